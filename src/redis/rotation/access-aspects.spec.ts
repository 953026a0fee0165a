import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { type Credentials, LiveAccess } from '../live-access.js';
import { lossFor } from '../loss.js';
import { AccessAspects } from './access-aspects.js';

const OLD: Credentials = { username: 'old', password: new Secret('old') };
const NEW: Credentials = { username: 'new', password: new Secret('new') };

function rig() {
  const access = new LiveAccess(OLD, {});
  const said: string[] = [];
  const aspects = new AccessAspects({
    access,
    clock: new ManualClock(),
    given: OLD,
    sentinels: OLD,
    rehearse: () => Promise.resolve({ kind: 'accepted' }),
    connected: () => false,
    applied: (what) => said.push(`applied ${what}`),
    kept: (what, outcome, { reason }) => said.push(`${outcome} ${what}: ${reason}`),
  });
  const used = () => ({ credentials: access.credentials, tls: access.tls });
  return { access, aspects, said, used };
}

describe('While nothing is connected', () => {
  it('credentials whose user lacks a right give way to the last that worked', async () => {
    const { access, aspects, said, used } = rig();
    aspects.accepted(used());
    await aspects.credentials.offer(NEW);
    expect(access.credentials).toBe(NEW);
    expect(aspects.refused(lossFor('noperm'), used())).toBe(true);
    expect(access.credentials).toBe(OLD);
    expect(said).toEqual(['refused credentials: noperm']);
  });

  it('so do those of the Sentinels', async () => {
    const { access, aspects, said, used } = rig();
    access.companion(OLD);
    await aspects.sentinels.offer(NEW);
    expect(access.beside).toBe(NEW);
    expect(aspects.refused(lossFor('noperm', undefined, 'sentinel-grants'), used())).toBe(true);
    expect(access.beside).toBe(OLD);
    expect(access.credentials).toBe(OLD);
    expect(said).toEqual(['refused credentials of the Sentinels: noperm']);
  });

  it('nothing gives way for what is no fault of theirs', async () => {
    const { access, aspects, used } = rig();
    await aspects.credentials.offer(NEW);
    for (const reason of ['reset', 'readonly', 'noreplicas'] as const)
      expect(aspects.refused(lossFor(reason), used())).toBe(false);
    expect(access.credentials).toBe(NEW);
  });
});
