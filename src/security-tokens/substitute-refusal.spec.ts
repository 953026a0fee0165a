import { describe, expect, it } from 'vitest';
import { type Profile, Settings } from '../config/index.js';
import { type PurposeRedis, RedisCommandError, RedisUnavailableError } from '../redis/index.js';
import { SubstituteRefusal, SubstituteStoreError } from './substitute-refusal.js';

/** A stand-in as somebody might write one: the thing that is to be refused. */
const standIn = (evalsha: () => Promise<unknown>) =>
  ({ evalsha, eval: evalsha }) as unknown as PurposeRedis<'securityTokens'>;
const start = (evalsha: () => Promise<unknown>, profile: Profile) =>
  new SubstituteRefusal(standIn(evalsha), new Settings(profile)).onApplicationBootstrap();

const answers: Readonly<Record<string, () => Promise<unknown>>> = {
  nothing: () => Promise.resolve(undefined),
  'what scripts of ours answer': () => Promise.resolve(['claimed', 'x', 1]),
  'always the same': () => Promise.resolve(['da39a3ee5e6b4b0d3255bfef95601890afd80709', '1']),
  'that it knows no scripts': () =>
    Promise.reject(new RedisCommandError('securityTokens', 'evalsha', 'ERR', 'unknown command')),
  'an error of its own': () => Promise.reject(new Error('Unsupported script')),
};

describe('SubstituteRefusal', () => {
  it.each(Object.entries(answers))(
    'refuses the start with a stand-in that answers %s',
    async (_, evalsha) => {
      for (const profile of ['demo', 'development', 'staging', 'production'] as const)
        await expect(start(evalsha, profile)).rejects.toBeInstanceOf(SubstituteStoreError);
      await expect(start(evalsha, 'test')).resolves.toBeUndefined();
    },
  );

  it('lets a server be away', async () => {
    const unavailable = new RedisUnavailableError({
      purpose: 'securityTokens',
      reason: 'refused',
      retryAfterMs: 1000,
      maybeExecuted: false,
    });
    await expect(start(() => Promise.reject(unavailable), 'production')).resolves.toBeUndefined();
  });

  it('says what to do, with the exit code of wrong settings', () => {
    const refusal = new SubstituteStoreError();
    expect(refusal.exitCode).toBe(78);
    expect(refusal.report()).toContain('SECURITY_TOKEN_REDIS_URL');
  });
});
