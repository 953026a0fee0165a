import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { InvalidTokenError } from '../../src/access/index.js';
import { OwedEpochs } from '../../src/access/owed-epochs.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { type AccessApp, EpochLedger, SqlAway, newSession, openAccessApp } from './access.rig.js';
import { withEngine } from './support/engine.js';

const MINUTE_MS = 60_000;

withEngine('The epoch of a user', (engine) => {
  const ledger = new EpochLedger();
  let proxy: TcpProxy;
  let access: AccessApp;
  /** Another instance, whose way to Redis is never cut. */
  let neighbour: AccessApp;
  beforeAll(async () => {
    proxy = await startTcpProxy({ targetPort: engine.port });
    const open = (port: number) =>
      openAccessApp({ env: { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${port}` }, ledger });
    [access, neighbour] = await Promise.all([open(proxy.port), open(engine.port)]);
  });
  beforeEach(() => {
    ledger.away = false;
    ledger.asked = 0;
  });
  afterAll(async () => {
    await Promise.all([access.app.close(), neighbour.app.close()]);
    await proxy.stop();
  });

  const begin = (userId: string, epoch = 1) => access.sessions.create({ ...newSession(userId), epoch });
  const live = async (userId: string, sessionId: string, epoch = 1, by = access) =>
    (await by.sessions.check(userId, sessionId, epoch)).live;
  const mirror = (userId: string) => `auth:{${userId}}:ep`;
  const mirrored = async (userId: string) => Number((await engine.redis.get(mirror(userId)))?.split(':')[0]);
  /** The mirror as it would be had SQL been asked so long ago. */
  const age = (userId: string, epoch: number, ms: number) =>
    engine.redis.set(mirror(userId), `${epoch}:${Date.now() - ms}`);

  it('costs no question of SQL while the mirror is young', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    for (let request = 0; request < 50; request += 1) expect(await live(userId, sessionId)).toBe(true);
    expect(ledger.asked).toBe(0);
  });

  it('ends every session when it grows, and nothing of them is left', async () => {
    const userId = ledger.newUser();
    const begun = await Promise.all(Array.from({ length: 10 }, () => begin(userId)));
    expect(await access.sessions.revokeAll(userId)).toBe(2);
    for (const { sessionId } of begun) expect(await live(userId, sessionId, 1, neighbour)).toBe(false);
    expect(await engine.redis.keys(`auth:{${userId}}:*`)).toEqual([mirror(userId)]);
    const again = await begin(userId, 2);
    expect(await live(userId, again.sessionId, 2)).toBe(true);
    // A token of the old epoch is worth nothing with the new session either.
    expect(await live(userId, again.sessionId, 1)).toBe(false);
  });

  it('lets one session go on where it is asked to', async () => {
    const userId = ledger.newUser();
    const [kept, other] = [await begin(userId), await begin(userId)];
    await access.sessions.endOlder(userId, await ledger.bumpEpoch(userId), kept.sessionId);
    expect(await live(userId, kept.sessionId, 2)).toBe(true);
    expect(await live(userId, kept.sessionId, 1)).toBe(false);
    expect(await live(userId, other.sessionId, 1)).toBe(false);
    expect((await access.sessions.list(userId)).map(({ sessionId }) => sessionId)).toEqual([kept.sessionId]);
    expect(await engine.redis.pttl(`auth:{${userId}}:s:${kept.sessionId}`)).toBeGreaterThan(0);
  });

  it('is not survived by a session that begins with credentials checked before', async () => {
    const userId = ledger.newUser();
    const attempts = Array.from({ length: 20 }, (_, at) => {
      if (at === 10) void access.sessions.revokeAll(userId);
      // What is refused was never there.
      return begin(userId).then(
        ({ sessionId }) => sessionId,
        (error: unknown) =>
          error instanceof InvalidTokenError ? randomUUID() : Promise.reject(error as Error),
      );
    });
    const sessions = await Promise.all(attempts);
    await waitFor(async () => (await mirrored(userId)) === 2, { what: 'the end of all sessions' });
    for (const sessionId of sessions) expect(await live(userId, sessionId)).toBe(false);
    await expect(begin(userId)).rejects.toThrow(InvalidTokenError);
  });

  it('brings no session back when Redis has lost everything', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    await access.sessions.revokeAll(userId);
    const second = await begin(userId, 2);
    await engine.redis.flushall();
    expect(await live(userId, sessionId)).toBe(false);
    expect(await live(userId, second.sessionId, 2)).toBe(false);
    expect(ledger.asked).toBe(0);
    const third = await begin(userId, 2);
    expect(await live(userId, third.sessionId, 2)).toBe(true);
    await expect(begin(userId, 1)).rejects.toThrow(InvalidTokenError);
  });

  it.each(['99999999999999999999:1', '9007199254740993:1', `1:${'9'.repeat(20)}`, `${'9'.repeat(400)}:1`])(
    'is what SQL says where the mirror holds a number that none can be: %s',
    async (foreign) => {
      const userId = ledger.newUser();
      const { sessionId } = await begin(userId);
      await engine.redis.set(mirror(userId), foreign);
      expect(await live(userId, sessionId)).toBe(true);
      expect(await mirrored(userId)).toBe(1);
      await engine.redis.set(mirror(userId), foreign);
      expect(await live(userId, (await begin(userId)).sessionId)).toBe(true);
    },
  );

  it('is asked of SQL where the mirror is absent or foreign, once for many requests', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    for (const spoil of [
      () => engine.redis.del(mirror(userId)),
      () => engine.redis.set(mirror(userId), 'x:y'),
    ]) {
      await spoil();
      ledger.asked = 0;
      const answer = ledger.hold();
      const checks = Array.from({ length: 30 }, () => live(userId, sessionId));
      await waitFor(() => ledger.asked > 0, { what: 'a question' });
      answer();
      expect(new Set(await Promise.all(checks))).toEqual(new Set([true]));
      expect(ledger.asked).toBe(1);
      expect(await mirrored(userId)).toBe(1);
    }
  });

  it('is not set back by an answer of SQL that was overtaken', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    await engine.redis.del(mirror(userId));
    const answer = ledger.hold();
    const slow = live(userId, sessionId);
    await waitFor(() => ledger.asked === 1, { what: 'the question' });
    await neighbour.sessions.revokeAll(userId);
    answer();
    expect(await slow).toBe(false);
    expect(await mirrored(userId)).toBe(2);
  });

  it('is asked again beside the request after a minute', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    // Committed by a process that died before it told Redis.
    await ledger.bumpEpoch(userId);
    await age(userId, 1, 2 * MINUTE_MS);
    expect(await live(userId, sessionId)).toBe(true);
    await waitFor(async () => !(await live(userId, sessionId)), { what: 'the session to end' });
    expect(await mirrored(userId)).toBe(2);
  });

  it.each([6 * MINUTE_MS, -6 * MINUTE_MS])(
    'is asked again before the request with a mirror %i ms old',
    async (ms) => {
      const userId = ledger.newUser();
      const { sessionId } = await begin(userId);
      await ledger.bumpEpoch(userId);
      await age(userId, 1, ms);
      expect(await live(userId, sessionId)).toBe(false);
    },
  );

  it('holds as mirrored while SQL is away, and is unknown without a mirror', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    ledger.away = true;
    await age(userId, 1, 60 * MINUTE_MS);
    expect(await live(userId, sessionId)).toBe(true);
    expect(await live(userId, sessionId, 2)).toBe(false);
    await engine.redis.del(mirror(userId));
    await expect(live(userId, sessionId)).rejects.toThrow(SqlAway);
    await expect(access.sessions.revokeAll(userId)).rejects.toThrow(SqlAway);
    ledger.away = false;
    expect(await live(userId, sessionId)).toBe(true);
  });

  it('goes back with SQL, so that a restored backup locks nobody out', async () => {
    const userId = ledger.newUser();
    const before = await begin(userId);
    await engine.redis.set(mirror(userId), `7:${Date.now()}`);
    expect(await live(userId, before.sessionId)).toBe(false);
    const after = await begin(userId);
    expect([await mirrored(userId), await live(userId, after.sessionId)]).toEqual([1, true]);
  });

  it('stands in SQL where Redis was away, and ends the sessions of all instances when it is back', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    await proxy.refuse();
    await expect(access.sessions.revokeAll(userId)).rejects.toThrow(RedisUnavailableError);
    expect(ledger.epochs.get(userId)).toBe(2);
    await expect(live(userId, sessionId)).rejects.toThrow(RedisUnavailableError);

    await proxy.pass();
    // Nobody asks for this session here: the one who owed it tells Redis by itself.
    await waitFor(async () => !(await live(userId, sessionId, 1, neighbour)), { what: 'the session to end' });
    expect(await mirrored(userId)).toBe(2);
  });

  it('is told to Redis though one that is owed beside it cannot be', async () => {
    const userId = ledger.newUser();
    await begin(userId);
    access.app.get(OwedEpochs, { strict: false }).add(userId.toUpperCase(), 2);
    await proxy.refuse();
    await expect(access.sessions.revokeAll(userId)).rejects.toThrow(RedisUnavailableError);
    await proxy.pass();
    await waitFor(async () => (await mirrored(userId)) === 2, { what: 'the epoch in Redis' });
    expect(access.app.get(OwedEpochs, { strict: false }).all()).toEqual([]);
  });

  it('is owed where only the answer of Redis was lost, and distrusted here at once', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    await proxy.dropReplies();
    await expect(access.sessions.revokeAll(userId)).rejects.toThrow(RedisUnavailableError);
    await proxy.pass();
    await engine.redis.set(mirror(userId), `1:${Date.now()}`);
    await waitFor(() => live(userId, sessionId).then((alive) => !alive), {
      what: 'an answer after the outage',
    });
  });

  it('of a user that is not there ends what is left of him', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    ledger.epochs.delete(userId);
    await age(userId, 1, 10 * MINUTE_MS);
    expect(await live(userId, sessionId)).toBe(false);
    expect(await access.sessions.list(userId)).toEqual([]);
  });
});
