import { afterAll, beforeAll, expect, it } from 'vitest';
import { TokenInvalidError } from '../../src/security-tokens/index.js';
import type { OneTimeTokens } from '../../src/security-tokens/one-time-tokens.js';
import type { Compartments } from '../support/compartments.js';
import { type TokenRedis, held, openPurpose, outcomeOf, peppersOf, tokensOn } from './security-tokens.rig.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';
import { withEngine } from './support/engine.js';

const INVALID = 'invalid-or-expired-token';

/** What happens to tokens from outside: other secrets, a server that forgets, values of somebody else. */
withEngine('One-time tokens, kept elsewhere and otherwise', (engine) => {
  let compartments: Compartments;
  let redis: TokenRedis;
  let tokens: OneTimeTokens;

  beforeAll(async () => {
    compartments = await openPurpose(engine.port);
    redis = compartments.client('securityTokens');
    tokens = tokensOn(redis).tokens;
  });
  afterAll(() => compartments.close());

  const claimed = (token: unknown) => outcomeOf(tokens.claim('passwordReset', token));
  const reset = async (subject = 'u1') => (await tokens.issue('passwordReset', { subject })).token;

  it('peppers are replaced without a token that fails', async () => {
    const old = await reset();
    const both = tokensOn(redis, peppersOf('second', 'first')).tokens;
    const claim = await both.claim('passwordReset', old);
    expect(claim.subject).toBe('u1');
    await both.release(claim);
    // Under either secret, one is the only one.
    const { token: newer } = await both.issue('passwordReset', { subject: 'u1', binding: 'here' });
    expect(await claimed(old)).toBe(INVALID);
    expect(await claimed(newer)).toBe(INVALID);
    expect((await both.claim('passwordReset', newer)).matchesBinding('here')).toBe(true);
    const third = await reset('u3');
    await both.revoke('passwordReset', 'u3');
    expect(await claimed(third)).toBe(INVALID);
    const alone = tokensOn(redis, peppersOf('second')).tokens;
    const fourth = await reset('u4');
    await expect(alone.claim('passwordReset', fourth)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('a server that forgot the scripts is told them again', async () => {
    const token = await reset();
    await engine.redis.script('FLUSH');
    const claim = await tokens.claim('passwordReset', token);
    await engine.redis.script('FLUSH');
    await tokens.finish(claim);
    await engine.redis.script('FLUSH');
    expect(await claimed(await reset())).toBe('ok');
  });

  it('after FLUSHALL a token is nothing, and a new one works', async () => {
    const token = await reset();
    await engine.redis.flushall();
    expect(await claimed(token)).toBe(INVALID);
    expect(await claimed(await reset())).toBe('ok');
  });

  it.each(Object.entries(FOREIGN_KEYS))(
    '%s in the place of tokens is no token, and gives way',
    async (_, put) => {
      const token = await reset();
      const [place] = await held(engine.redis);
      const key = place?.key ?? '';
      await engine.redis.del(key);
      await put(engine.redis, key);
      expect(await claimed(token)).toBe(INVALID);
      expect(await claimed(await reset())).toBe('ok');
    },
  );

  it.each(['', '-1', '1 2 3', 'nan 0 0 - x', '9999999999999 0 0 - forged', `${'9'.repeat(400)} 0 0 - x`])(
    'a record of nobody (%j) is no token',
    async (record) => {
      const token = await reset();
      const [place] = await held(engine.redis);
      const [digest = ''] = Object.keys(await engine.redis.hgetall(place?.key ?? ''));
      await engine.redis.hset(place?.key ?? '', digest, record);
      expect(await claimed(token)).toBe(INVALID);
      expect(await claimed(await reset())).toBe('ok');
    },
  );

  it('what was sealed for one token is nothing with another', async () => {
    const [mine, theirs] = [await reset('mallory'), await reset('alice')];
    const records = await Promise.all((await held(engine.redis)).map(({ key }) => engine.redis.hgetall(key)));
    const places = await held(engine.redis);
    const [a = {}, b = {}] = records;
    const [digestA = '', digestB = ''] = [Object.keys(a)[0], Object.keys(b)[0]];
    await engine.redis.hset(places[0]?.key ?? '', digestA, b[digestB] ?? '');
    await engine.redis.hset(places[1]?.key ?? '', digestB, a[digestA] ?? '');
    expect(await claimed(mine)).toBe(INVALID);
    expect(await claimed(theirs)).toBe(INVALID);
  });
});
