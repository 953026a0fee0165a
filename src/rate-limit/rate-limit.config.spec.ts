import { describe, expect, it } from 'vitest';
import { ConfigModule, type Environment, judge } from '../config/index.js';
import { RateLimitSettings, countsInMemory } from './rate-limit.config.js';

const faultsOf = (env: Environment): string[] =>
  judge([ConfigModule.forFeature(RateLimitSettings)], env).faults.map(
    ({ variable, rule }) => `${variable}: ${rule}`,
  );

describe('the settings of rate limiting', () => {
  it.each(['demo', 'test'])('need nothing in %s', (profile) => {
    expect(faultsOf({ APP_PROFILE: profile })).toEqual([]);
  });

  it.each(['staging', 'production'])('need a secret in %s', (profile) => {
    const name = 'RATE_LIMIT_KEY_SECRET';
    expect(faultsOf({ APP_PROFILE: profile })).toEqual([expect.stringContaining(`${name}: must be set in`)]);
    expect(faultsOf({ APP_PROFILE: profile, [name]: 'x'.repeat(31) })).toEqual([
      `${name}: has fewer than 32 bytes`,
    ]);
    expect(faultsOf({ APP_PROFILE: profile, [name]: 'x'.repeat(32) })).toEqual([]);
  });

  it('know two backends', () => {
    expect(faultsOf({ APP_PROFILE: 'test', RATE_LIMIT_BACKEND: 'memory' })).toEqual([]);
    expect(faultsOf({ APP_PROFILE: 'test', RATE_LIMIT_BACKEND: 'off' })).toHaveLength(1);
  });

  it('leave the purpose inactive only for the memory flag', () => {
    const inMemory = (env: Environment): boolean =>
      countsInMemory(
        judge([ConfigModule.forFeature(RateLimitSettings)], { APP_PROFILE: 'test', ...env }).settings,
      );
    expect(inMemory({ RATE_LIMIT_BACKEND: 'memory' })).toBe(true);
    expect(inMemory({ RATE_LIMIT_BACKEND: 'redis' })).toBe(false);
    expect(inMemory({})).toBe(false);
  });
});
