import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenInUseError, TokenInvalidError } from '../../src/security-tokens/index.js';
import { LEASE_MS, MOST_TRIES, type OneTimeTokens } from '../../src/security-tokens/one-time-tokens.js';
import { TOKEN_KINDS, type TokenKind } from '../../src/security-tokens/token-kinds.js';
import type { Compartments } from '../support/compartments.js';
import {
  type TokenRedis,
  counted,
  held,
  openPurpose,
  outcomeOf,
  passTime,
  patientClient,
  tokensOn,
} from './security-tokens.rig.js';
import { withEngine } from './support/engine.js';

const KINDS = Object.keys(TOKEN_KINDS) as TokenKind[];
const INVALID = 'invalid-or-expired-token';
const LAST_MOMENT_MS = 10_000;

withEngine('One-time tokens', (engine) => {
  let compartments: Compartments;
  let redis: TokenRedis;
  let tokens: OneTimeTokens;

  beforeAll(async () => {
    compartments = await openPurpose(engine.port);
    redis = compartments.client('securityTokens');
    tokens = tokensOn(redis).tokens;
  });
  afterAll(() => compartments.close());

  const claimed = (token: unknown, kind: TokenKind = 'passwordReset') => outcomeOf(tokens.claim(kind, token));
  const reset = async (subject = 'u1') => (await tokens.issue('passwordReset', { subject })).token;

  describe.each(KINDS)('%s', (kind) => {
    it('is claimed with what it was issued with, finished, and then nothing', async () => {
      const before = Date.now();
      const issued = await tokens.issue(kind, { subject: 'u1', binding: 'ä@b.example', data: { to: 'ü' } });
      const { ttlMs } = TOKEN_KINDS[kind];
      expect(issued.expiresAtMs).toBeGreaterThan(before + ttlMs - 5000);
      expect(issued.expiresAtMs).toBeLessThan(Date.now() + ttlMs + 5000);
      const claim = await tokens.claim(kind, issued.token);
      expect(claim).toMatchObject({ kind, subject: 'u1', data: { to: 'ü' } });
      expect(claim.matchesBinding('ä@b.example')).toBe(true);
      expect(claim.matchesBinding('a@b.example')).toBe(false);
      await tokens.finish(claim);
      expect(await claimed(issued.token, kind)).toBe(INVALID);
    });

    it('is over when its time has come by the clock of the server', async () => {
      const { token } = await tokens.issue(kind, { subject: 'u1' });
      await passTime(engine.redis, TOKEN_KINDS[kind].ttlMs - LAST_MOMENT_MS);
      await tokens.release(await tokens.claim(kind, token));
      await passTime(engine.redis, LAST_MOMENT_MS);
      expect(await claimed(token, kind)).toBe(INVALID);
    });

    it('is nothing as any other kind', async () => {
      const { token } = await tokens.issue(kind, { subject: 'u1' });
      for (const other of KINDS.filter((name) => name !== kind)) {
        expect(await claimed(token, other)).toBe(INVALID);
        expect(await claimed(token.replace(/^\w+/, TOKEN_KINDS[other].prefix), other)).toBe(INVALID);
      }
      expect(await claimed(token, kind)).toBe('ok');
    });
  });

  it('Redis holds digests and seals only, each with an end', async () => {
    const secrets = ['canary-subject', 'canary@binding.example', 'canary-data', 'canary-name'];
    const [subject = '', binding = '', value = '', name = ''] = secrets;
    const issued = await Promise.all(
      KINDS.map((kind) => tokens.issue(kind, { subject, binding, data: { [name]: value } })),
    );
    await Promise.all(issued.map(({ token }, at) => tokens.claim(KINDS[at] as TokenKind, token)));
    const keys = await held(engine.redis);
    expect(keys).toHaveLength(KINDS.length);
    const dump = JSON.stringify(keys);
    const parts = issued.flatMap(({ token }) => {
      const [, body = '', mac = ''] = token.split('.');
      return [body, body.slice(22), mac];
    });
    for (const secret of [...secrets, ...parts]) expect(dump).not.toContain(secret);
    for (const { ttlMs } of keys) expect(ttlMs).toBeGreaterThan(0);
  });

  it('of fifty parallel claims one has the token, whoever asks', async () => {
    const clients = [engine.redis, await engine.connect()].map((client) => patientClient(client));
    const [one, other] = [tokensOn(clients[0] ?? redis).tokens, tokensOn(clients[1] ?? redis).tokens];
    const instances = Array.from({ length: 50 }, (_, at) => (at % 2 ? one : other));
    for (let race = 0; race < 20; race += 1) {
      const token = await reset(`u${race}`);
      const claims = await Promise.allSettled(
        instances.map((instance) => instance.claim('passwordReset', token)),
      );
      const won = claims.filter(({ status }) => status === 'fulfilled');
      const lost = claims.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      expect(won).toHaveLength(1);
      expect(lost.every((reason) => reason instanceof TokenInUseError)).toBe(true);
    }
  });

  it('of fifty parallel uses the work of one is done', async () => {
    const token = await reset();
    const { tokens: patient } = tokensOn(patientClient(engine.redis));
    let done = 0;
    const work = async () => (done += 1);
    const uses = await Promise.allSettled(
      Array.from({ length: 50 }, () => patient.use('passwordReset', token, work)),
    );
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(done).toBe(1);
  });

  it('says when a token in use may be free, and nothing else', async () => {
    const token = await reset();
    expect(await claimed(token)).toBe('ok');
    const error: unknown = await tokens.claim('passwordReset', token).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 409, slug: 'token-in-use' });
    const { retryAfterMs } = error as TokenInUseError;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(LEASE_MS);
  });

  it('work that breaks gives the token back, five times', async () => {
    const token = await reset();
    const mistake = new Error('a mistake of ours');
    for (let tries = 0; tries < MOST_TRIES; tries += 1)
      await expect(tokens.use('passwordReset', token, () => Promise.reject(mistake))).rejects.toBe(mistake);
    expect(await claimed(token)).toBe(INVALID);
    expect(await held(engine.redis)).toEqual([]);
  });

  it('work that was refused gives the token back as it was, however often', async () => {
    const token = await reset();
    const refusals = [new TokenInUseError(1), new TokenInvalidError()];
    for (const refusal of Array.from({ length: 2 * MOST_TRIES }, () => refusals).flat())
      await expect(tokens.use('passwordReset', token, () => Promise.reject(refusal))).rejects.toBe(refusal);
    // One that died counts all the same, and is not forgotten by what was given back after it.
    for (let deaths = 1; deaths < MOST_TRIES; deaths += 1) {
      await tokens.claim('passwordReset', token);
      await passTime(engine.redis, LEASE_MS);
      await tokens.release(await tokens.claim('passwordReset', token));
    }
    expect(await tokens.use('passwordReset', token, async () => 'done')).toBe('done');
  });

  it('five processes that died with it end a token', async () => {
    const token = await reset();
    for (let deaths = 0; deaths < MOST_TRIES; deaths += 1) {
      await tokens.claim('passwordReset', token);
      await passTime(engine.redis, LEASE_MS);
    }
    expect(await claimed(token)).toBe(INVALID);
  });

  it('work that throws at once gives it back, too', async () => {
    const token = await reset();
    const use = tokens.use('passwordReset', token, () => {
      throw new Error('at once');
    });
    await expect(use).rejects.toThrow('at once');
    expect(await tokens.use('passwordReset', token, async () => 'done')).toBe('done');
  });

  it('whoever died with a token loses it to the next when the lease has run out', async () => {
    const token = await reset();
    const dead = await tokens.claim('passwordReset', token);
    await passTime(engine.redis, LEASE_MS - LAST_MOMENT_MS);
    await expect(tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInUseError);
    await passTime(engine.redis, LAST_MOMENT_MS);
    const next = await tokens.claim('passwordReset', token);
    // Not dead after all: it must neither end the claim of the other nor free the token.
    await expect(tokens.finish(dead)).rejects.toBeInstanceOf(TokenInvalidError);
    await tokens.release(dead);
    await expect(tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInUseError);
    await tokens.finish(next);
    await expect(tokens.finish(dead)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('slow work that nobody has overtaken is finished', async () => {
    const claim = await tokens.claim('passwordReset', await reset());
    await passTime(engine.redis, LEASE_MS + LAST_MOMENT_MS);
    expect(await outcomeOf(tokens.finish(claim))).toBe('ok');
  });

  it('a token may end while it is in use, and is finished all the same', async () => {
    const { token } = await tokens.issue('streamTicket', { subject: 's1' });
    await passTime(engine.redis, TOKEN_KINDS.streamTicket.ttlMs - LAST_MOMENT_MS);
    const claim = await tokens.claim('streamTicket', token);
    await passTime(engine.redis, LAST_MOMENT_MS);
    expect(await outcomeOf(tokens.finish(claim))).toBe('ok');
  });

  it('the same claim asked again has the token, at the price of one try', async () => {
    const token = await reset();
    const id = 'the-same-claim-id-0';
    for (let times = 0; times < MOST_TRIES + 2; times += 1)
      expect(await tokens.claim('passwordReset', token, id)).toMatchObject({ id, subject: 'u1' });
    const claim = await tokens.claim('passwordReset', token, id);
    await tokens.finish(claim);
    await tokens.finish(claim);
    await expect(tokens.claim('passwordReset', token, id)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('a released claim holds nothing', async () => {
    const token = await reset();
    const first = await tokens.claim('passwordReset', token);
    await tokens.release(first);
    await tokens.release(first);
    await expect(tokens.finish(first)).rejects.toBeInstanceOf(TokenInvalidError);
    expect(await claimed(token)).toBe('ok');
  });

  it('a newer token ends the older one of its subject and kind, and no other', async () => {
    const [older, foreign] = [await reset(), await reset('u2')];
    const other = await tokens.issue('emailVerification', { subject: 'u1' });
    const newer = await reset();
    expect(await claimed(older)).toBe(INVALID);
    expect(await claimed(newer)).toBe('ok');
    expect(await claimed(foreign)).toBe('ok');
    expect(await claimed(other.token, 'emailVerification')).toBe('ok');
  });

  it('several stream tickets are valid at once, the newest ones', async () => {
    const { valid } = TOKEN_KINDS.streamTicket;
    const issued: string[] = [];
    for (let n = 0; n < valid + 2; n += 1) {
      issued.push((await tokens.issue('streamTicket', { subject: 's1' })).token);
      await passTime(engine.redis, 1);
    }
    expect(await claimed(issued[0], 'streamTicket')).toBe(INVALID);
    expect(await claimed(issued[1], 'streamTicket')).toBe(INVALID);
    for (const token of issued.slice(2)) expect(await claimed(token, 'streamTicket')).toBe('ok');
  });

  it('what is outstanding ends when it is revoked', async () => {
    const [token, foreign] = [await reset(), await reset('u2')];
    await tokens.revoke('passwordReset', 'u1');
    await tokens.revoke('passwordReset', 'nobody');
    expect(await claimed(token)).toBe(INVALID);
    expect(await claimed(foreign)).toBe('ok');
  });

  it('work that revokes its own token is done all the same', async () => {
    const token = await reset();
    const use = tokens.use('passwordReset', token, () => tokens.revoke('passwordReset', 'u1'));
    await expect(use).resolves.toBeUndefined();
    expect(await claimed(token)).toBe(INVALID);
  });

  it('a claim that was revoked and whose lease is over is not finished', async () => {
    const { tokens: own, clock } = tokensOn(redis);
    const claim = await own.claim('passwordReset', await reset());
    await own.revoke('passwordReset', 'u1');
    clock.advance(LEASE_MS);
    await expect(own.finish(claim)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('counts what became of tokens, by kind', async () => {
    const { tokens: own, metrics } = tokensOn(redis);
    const { token } = await own.issue('invitation', { subject: 'i1' });
    await own.use('invitation', token, async () => undefined);
    for (const bad of [token, 'x']) await own.claim('invitation', bad).catch(() => undefined);
    const outcomes = ['issued', 'claimed', 'finished', 'unknown', 'forged'];
    const counts = outcomes.map((outcome) =>
      counted(metrics.securityTokenOperations, { kind: 'invitation', outcome }),
    );
    expect(await Promise.all(counts)).toEqual([1, 1, 1, 1, 1]);
  });
});
