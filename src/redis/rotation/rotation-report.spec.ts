import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Metrics } from '../../telemetry/index.js';
import { lossFor } from '../loss.js';
import { KeptBack } from './kept-back.js';
import { ROTATION_OUTCOMES, RotationReport } from './rotation-report.js';

const SOURCE = {
  purpose: 'authCache',
  env: 'AUTH_CACHE_REDIS',
  source: 'AUTH_CACHE_REDIS_URL',
  address: 'redis://host:6379/0',
  aclOptions: '--purpose authCache',
};
const VARIABLE = 'AUTH_CACHE_REDIS_PASSWORD_FILE';

function rig() {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const said: string[] = [];
  const logger = { log: (text: string) => said.push(text), warn: (text: string) => said.push(`! ${text}`) };
  const report = new RotationReport(metrics, logger, clock);
  report.initialise('authCache');
  const counts = async () => {
    const { values } = await metrics.redisCredentialRotations.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
  };
  return { clock, report, said, counts, keptBack: new KeptBack(SOURCE, report) };
}

const fault = (rule: string, purpose?: string) => ({
  variable: VARIABLE,
  rule,
  remedy: 'Mend it',
  ...(purpose ? { purpose } : {}),
});

describe('The report on rotations', () => {
  it('counts from zero', async () => {
    const { counts } = rig();
    expect(await counts()).toEqual(Object.fromEntries(ROTATION_OUTCOMES.map((outcome) => [outcome, 0])));
  });

  it('says which lanes use new credentials now, and which later', async () => {
    const { report, said, counts } = rig();
    report.applied(
      'authCache',
      'credentials',
      [VARIABLE],
      [
        ['command', 'accepted'],
        ['bulk', 'accepted'],
        ['blocking', 'disconnected'],
      ],
    );
    report.applied('authCache', 'certificates', ['CA', 'KEY']);
    expect(said).toEqual([
      `New credentials of authCache from ${VARIABLE}: command, bulk logged in anew, blocking at the next connect`,
      'New certificates of authCache from CA, KEY: used from the next connect on',
    ]);
    expect((await counts()).applied).toBe(2);
  });

  it('warns of a fault once in five minutes and counts it once, however often it is looked at', async () => {
    const { clock, keptBack, said, counts } = rig();
    for (let seconds = 0; seconds < 300; seconds += 5) {
      keptBack.unreadable('secrets', [fault('is empty', 'authCache')]);
      clock.advance(5000);
    }
    expect(said).toEqual([`! Keeping the credentials of authCache in use: ${VARIABLE}: is empty. Mend it.`]);
    keptBack.unreadable('secrets', [fault('is empty', 'authCache')]);
    expect(said).toHaveLength(2);
    expect(await counts()).toMatchObject({ unreadable: 1 });
    keptBack.unreadable('secrets', [fault('is gone', 'authCache')]);
    expect(said).toHaveLength(3);
    expect(await counts()).toMatchObject({ unreadable: 2 });
    expect(keptBack.any).toBe(true);
    keptBack.clear('secrets');
    expect(keptBack.any).toBe(false);
  });

  it('warns once of a file that several purposes share', () => {
    const { report, said } = rig();
    for (const purpose of ['authCache', 'rateLimit'])
      report.kept(purpose, 'unreadable', { what: 'credentials', fault: fault('is empty'), first: true });
    expect(said).toEqual([`! Keeping the credentials in use: ${VARIABLE}: is empty. Mend it.`]);
  });

  it('names the file whose password a server refuses, and otherwise the setting that is to blame', () => {
    const { keptBack, said } = rig();
    keptBack.refused('credentials', [VARIABLE], lossFor('auth'), true);
    keptBack.refused('credentials', ['RedisModule.forRoot'], lossFor('auth'), true);
    keptBack.refused('certificates', ['CA'], lossFor('tls'), true);
    keptBack.untried('credentials', [VARIABLE], lossFor('refused'), true);
    keptBack.elsewhere([VARIABLE, 'AUTH_CACHE_REDIS_URL_FILE']);
    const head = (line: string | undefined) => line?.split(': ').slice(0, 2).join(': ');
    expect(said.map(head)).toEqual([
      `! Keeping the credentials of authCache in use: ${VARIABLE}`,
      '! Keeping the credentials of authCache in use: RedisModule.forRoot',
      '! Keeping the certificates of authCache in use: AUTH_CACHE_REDIS_TLS_CA_FILE',
      `! Keeping the credentials of authCache in use: ${VARIABLE}`,
      '! Keeping the credentials of authCache in use: AUTH_CACHE_REDIS_URL_FILE',
    ]);
  });
});
