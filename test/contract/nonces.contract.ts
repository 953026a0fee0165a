import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ReplayStateLostError,
  ReplayedNonceError,
  StaleRequestError,
} from '../../src/security-tokens/index.js';
import type { NonceStore, RequestWindow } from '../../src/security-tokens/nonce-store.js';
import type { Compartments } from '../support/compartments.js';
import {
  SKEW_MS,
  type TokenRedis,
  counted,
  held,
  noncesOn,
  openPurpose,
  outcomeOf,
  patientClient,
  passTime,
} from './security-tokens.rig.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';
import { withEngine } from './support/engine.js';

const WINDOW_MS = 300_000;

withEngine('The replay guard', (engine) => {
  let compartments: Compartments;
  let redis: TokenRedis;
  let nonces: NonceStore;

  beforeAll(async () => {
    compartments = await openPurpose(engine.port);
    redis = compartments.client('securityTokens');
  });
  afterAll(() => compartments.close());
  beforeEach(async () => {
    ({ nonces } = noncesOn(redis));
    await nonces.prepare('key');
    await passTime(engine.redis, SKEW_MS);
  });

  /** A request that is signed now. */
  const signed = (agoMs = 0, windowMs = WINDOW_MS) => {
    const issuedAtMs = Date.now() - agoMs;
    return { issuedAtMs, expiresAtMs: issuedAtMs + windowMs };
  };
  /** The same request when time has passed. */
  const older = ({ issuedAtMs, expiresAtMs }: RequestWindow, ms: number): RequestWindow => ({
    issuedAtMs: issuedAtMs - ms,
    expiresAtMs: expiresAtMs - ms,
  });
  const use = (nonce: string, window = signed(), keyId = 'key') => nonces.use(keyId, nonce, window);
  const key = async (part: 'birth' | 'seen') =>
    (await held(engine.redis)).find((one) => one.key.endsWith(part))?.key ?? '';
  /** How a request that was used before ends, now and later, and one that is signed meanwhile. */
  async function aftermath(nonce: string, window: RequestWindow) {
    const error: unknown = await use(nonce, window).catch((reason: unknown) => reason);
    const waitMs = error instanceof ReplayStateLostError ? error.retryAfterMs : 0;
    const fresh = await outcomeOf(use('fresh'));
    await passTime(engine.redis, SKEW_MS);
    return {
      waits: waitMs > 0 && waitMs <= SKEW_MS,
      fresh,
      freshLater: await outcomeOf(use('fresh')),
      usedLater: await outcomeOf(use(nonce, older(window, SKEW_MS))),
    };
  }
  const LOST = {
    waits: true,
    fresh: 'replay-state-lost',
    freshLater: 'ok',
    usedLater: 'replay-state-lost',
  };

  it('lets a request in once, for each key', async () => {
    const window = signed();
    await use('n1', window);
    await expect(use('n1', window)).rejects.toBeInstanceOf(ReplayedNonceError);
    await use('n2', window);
    await nonces.prepare('another');
    await passTime(engine.redis, SKEW_MS);
    await use('n1', signed(), 'another');
  });

  it('of fifty at once it lets one in, whichever instance they reach', async () => {
    const clients = [engine.redis, await engine.connect()].map((client) => patientClient(client));
    const [one, other] = [noncesOn(clients[0] ?? redis).nonces, noncesOn(clients[1] ?? redis).nonces];
    const instances = Array.from({ length: 50 }, (_, at) => (at % 2 ? one : other));
    for (let race = 0; race < 20; race += 1) {
      const window = signed();
      const uses = await Promise.allSettled(
        instances.map((instance) => instance.use('key', `r${race}`, window)),
      );
      expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('keeps a nonce until its request is refused for its age', async () => {
    const window = signed();
    await use('n', window);
    const nearlyMs = WINDOW_MS + SKEW_MS - 10_000;
    await passTime(engine.redis, nearlyMs);
    await use('another', signed());
    await expect(use('n', older(window, nearlyMs))).rejects.toBeInstanceOf(ReplayedNonceError);
    await passTime(engine.redis, 10_000);
    await expect(use('n', older(window, nearlyMs + 10_000))).rejects.toBeInstanceOf(StaleRequestError);
  });

  it('forgets nonces whose requests nobody would accept any more', async () => {
    await use('long');
    for (let n = 0; n < 50; n += 1) await use(`old${n}`, signed(0, 1000));
    await passTime(engine.redis, SKEW_MS + 5000);
    for (let n = 0; n < 5; n += 1) await use(`new${n}`);
    expect(await engine.redis.zcard(await key('seen'))).toBe(6);
  });

  it('refuses what is not valid by the clock of the server: over, or further ahead than clocks may be off', async () => {
    await expect(use('n', signed(WINDOW_MS + SKEW_MS + 1000))).rejects.toBeInstanceOf(StaleRequestError);
    await expect(use('n', signed(-SKEW_MS - 10_000))).rejects.toBeInstanceOf(StaleRequestError);
    await use('n', signed(-SKEW_MS + 10_000));
  });

  it('everything has an end but the birth, and Redis sees neither nonce nor key', async () => {
    await use('canary-nonce');
    const keys = await held(engine.redis);
    expect(keys).toHaveLength(2);
    expect(JSON.stringify(keys)).not.toMatch(/canary-nonce|[{:]key[}:]/);
    const [birth, seen] = keys;
    expect([birth?.key.endsWith(':birth'), birth?.ttlMs]).toEqual([true, -1]);
    expect(seen?.ttlMs).toBeGreaterThan(WINDOW_MS + SKEW_MS - 5000);
  });

  it('a key that nobody prepared is not known, which is the same as lost', async () => {
    await expect(use('n', signed(), 'new')).rejects.toBeInstanceOf(ReplayStateLostError);
    await passTime(engine.redis, SKEW_MS);
    await use('n', signed(), 'new');
  });

  it('preparing again changes nothing', async () => {
    const window = signed();
    await use('n', window);
    expect(await nonces.prepare('key')).toEqual({ acceptsInMs: 0 });
    await expect(use('n', window)).rejects.toBeInstanceOf(ReplayedNonceError);
    await use('n2', window);
  });

  describe('refuses old requests instead of letting them in twice after', () => {
    it('FLUSHALL', async () => {
      const window = signed();
      await use('n', window);
      await engine.redis.flushall();
      expect(await aftermath('n', window)).toEqual(LOST);
    });

    it('a clock of the signer that is ahead, and FLUSHALL', async () => {
      const window = signed(-SKEW_MS + 5000);
      await use('n', window);
      await engine.redis.flushall();
      await expect(use('n', window)).rejects.toBeInstanceOf(ReplayStateLostError);
      await passTime(engine.redis, SKEW_MS);
      await expect(use('n', older(window, SKEW_MS))).rejects.toBeInstanceOf(ReplayStateLostError);
    });

    it.each(['seen', 'birth'] as const)('an eviction of %s', async (part) => {
      const window = signed();
      await use('n', window);
      await engine.redis.del(await key(part));
      expect(await aftermath('n', window)).toEqual(LOST);
    });

    it.each(['run_id', 'master_replid'])('a server with another %s', async (which) => {
      const window = signed();
      await use('n', window);
      const birth = await key('birth');
      const [runId, replicationId] = ((await engine.redis.hget(birth, 'server')) ?? '').split(':');
      expect([runId?.length, replicationId?.length]).toEqual([40, 40]);
      const other = 'f'.repeat(40);
      const server = which === 'run_id' ? `${other}:${replicationId}` : `${runId}:${other}`;
      await engine.redis.hset(birth, 'server', server);
      expect(await aftermath('n', window)).toEqual(LOST);
    });

    it('a clock of the server that was set back', async () => {
      const window = signed();
      await use('n', window);
      await engine.redis.hset(await key('birth'), 'seen', Date.now() + 60_000);
      expect(await aftermath('n', window)).toEqual(LOST);
    });

    it.each(['', 'nan', 'inf', '-1', '1e300', '9'.repeat(30)])('a birth of nobody: %j', async (born) => {
      const window = signed();
      await use('n', window);
      await engine.redis.hset(await key('birth'), 'born', born);
      expect(await aftermath('n', window)).toEqual(LOST);
    });

    it.each(Object.entries(FOREIGN_KEYS))('%s in the place of either', async (_, put) => {
      for (const part of ['birth', 'seen'] as const) {
        const window = signed();
        await use('n', window);
        const name = await key(part);
        await engine.redis.del(name);
        await put(engine.redis, name);
        expect(await aftermath('n', window)).toEqual(LOST);
        await engine.redis.flushall();
        await nonces.prepare('key');
        await passTime(engine.redis, SKEW_MS);
      }
    });
  });

  it('counts what became of requests', async () => {
    const { nonces: own, metrics } = noncesOn(redis);
    const window = signed();
    for (const nonce of ['n', 'n']) await own.use('key', nonce, window).catch(() => undefined);
    await own.use('key', 'm', signed(WINDOW_MS + 2 * SKEW_MS)).catch(() => undefined);
    await own.use('unknown', 'n', window).catch(() => undefined);
    const outcomes = ['fresh', 'replayed', 'stale', 'lost'];
    const counts = outcomes.map((outcome) => counted(metrics.securityNonceUses, { outcome }));
    expect(await Promise.all(counts)).toEqual([1, 1, 1, 1]);
  });
});
