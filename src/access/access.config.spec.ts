import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { ConfigModule, judge } from '../config/index.js';
import { AccessSettings } from './access.config.js';
import { SigningKeys } from './signing-keys.js';

const load = (env: Record<string, string>) => {
  const { settings, faults } = judge([ConfigModule.forFeature(AccessSettings)], env);
  return {
    access: settings.of(AccessSettings),
    faults: faults.map(({ variable, rule }) => `${variable} ${rule}`),
  };
};
const KEY = 'A'.repeat(43);
const PII = 'p'.repeat(32);
const production = { APP_PROFILE: 'production', AUTH_SIGNING_KEYS: KEY, AUTH_PII_KEYS: PII };

describe('AccessSettings', () => {
  it.each(['demo', 'test'])('need nothing in %s, where keys are made up that sign', (APP_PROFILE) => {
    const { access, faults } = load({ APP_PROFILE });
    expect(faults).toEqual([]);
    expect(new SigningKeys(access).newest.kid).toMatch(/^[\w-]{43}$/);
    expect(access).toMatchObject({ tokenLifeMs: 600_000, issuer: 'bulkhead', audience: 'bulkhead-api' });
  });

  it('are given in production, each secret for one use', () => {
    expect(load(production).faults).toEqual([]);
    expect(load({ APP_PROFILE: 'production' }).faults).toEqual([
      'AUTH_SIGNING_KEYS must be set in production',
      'AUTH_PII_KEYS must be set in production',
    ]);
    expect(load({ ...production, AUTH_PII_KEYS: KEY }).faults).toEqual([
      'AUTH_PII_KEYS has the same value as AUTH_SIGNING_KEYS',
    ]);
  });

  it('refuse keys that are none, and quote nothing of them', () => {
    const { faults } = load({
      ...production,
      AUTH_SIGNING_KEYS: `${KEY},hunter2-hunter2-hunter2-hunter2-hunter2`,
    });
    expect(faults).toEqual([expect.stringMatching(/^AUTH_SIGNING_KEYS must be Ed25519 .* number 2 is not$/)]);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('refuse times that contradict each other or are out of bounds', () => {
    expect(load({ ...production, AUTH_SESSION_IDLE_MS: '31d' }).faults).toEqual([
      'AUTH_SESSION_IDLE_MS is longer than AUTH_SESSION_LIFE_MS, so that it never ends a session',
    ]);
    for (const [name, text] of [
      ['AUTH_ACCESS_TOKEN_LIFE_MS', '2h'],
      ['AUTH_ACCESS_TOKEN_LIFE_MS', '10s'],
      ['AUTH_SESSION_LIFE_MS', '1m'],
      ['AUTH_ISSUER', 'x'.repeat(201)],
    ] as const)
      expect(load({ ...production, [name]: text }).faults.join()).toContain(name);
  });
});
