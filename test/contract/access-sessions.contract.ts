import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AccessApp, EpochLedger, newSession, openAccessApp } from './access.rig.js';
import { withEngine } from './support/engine.js';

withEngine('Sessions', (engine) => {
  const ledger = new EpochLedger();
  let access: AccessApp;
  beforeAll(async () => {
    const env = { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${engine.port}` };
    access = await openAccessApp({ env, ledger });
  });
  afterAll(() => access.app.close());

  const begin = (userId: string, epoch = 1) => access.sessions.create({ ...newSession(userId), epoch });
  const live = async (userId: string, sessionId: string, epoch = 1) =>
    (await access.sessions.check(userId, sessionId, epoch)).live;
  const keysOf = async (userId: string) => (await engine.redis.keys(`auth:{${userId}}:*`)).sort();

  it('of many users are told apart when all are asked about at once', async () => {
    const users = Array.from({ length: 40 }, () => ledger.newUser());
    const sessions = await Promise.all(users.map((userId) => begin(userId)));
    const ended = users.filter((_, at) => at % 3 === 0);
    await Promise.all(
      ended.map((userId) => access.sessions.revoke(userId, sessions[users.indexOf(userId)]!.sessionId)),
    );
    const lives = await Promise.all(users.map((userId, at) => live(userId, sessions[at]!.sessionId)));
    expect(lives).toEqual(users.map((userId) => !ended.includes(userId)));
  });

  it('are shown to their owner, the newest first, with a masked address', async () => {
    const userId = ledger.newUser();
    const first = await begin(userId);
    const { sessionId } = await access.sessions.create({
      ...newSession(userId),
      address: '2001:db8:1:2::7',
      amr: ['pwd', 'otp'],
    });
    // Both may have begun in one millisecond of the server.
    await engine.redis.set(
      `auth:{${userId}}:s:${first.sessionId}`,
      (await engine.redis.get(`auth:{${userId}}:s:${first.sessionId}`))?.replace(/^(1\|1\|)\d+/, '$11') ?? '',
      'KEEPTTL',
    );
    const views = await access.sessions.list(userId);
    expect(views.map((view) => view.sessionId)).toEqual([sessionId, first.sessionId]);
    expect(views[0]).toMatchObject({ address: '2001:db8:xxxx', amr: ['pwd', 'otp'] });
    expect(views[1]).toMatchObject({ address: '192.0.2.x', userAgent: 'Mozilla/5.0 (canary-agent)' });
    expect(await access.sessions.get(userId, sessionId)).toEqual(views[0]);
  });

  it('hold neither address nor user agent in the clear, and each key but the mirror has a TTL', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    const keys = await keysOf(userId);
    expect(keys).toEqual([`auth:{${userId}}:ep`, `auth:{${userId}}:s:${sessionId}`, `auth:{${userId}}:sx`]);
    const ttls = await Promise.all(keys.map((key) => engine.redis.pttl(key)));
    const day = 86_400_000;
    expect(ttls[0]).toBe(-1);
    expect(ttls[1]).toBeGreaterThan(13.9 * day);
    expect(ttls[1]).toBeLessThanOrEqual(14 * day);
    expect(ttls[2]).toBeGreaterThan(29.9 * day);
    const stored = `${await engine.redis.get(keys[0] ?? '')} ${await engine.redis.get(keys[1] ?? '')}`;
    expect(stored).not.toMatch(/192\.0\.2|canary/);
  });

  it('do not show the client of one as that of another', async () => {
    const userId = ledger.newUser();
    const [a, b] = [await begin(userId), await begin(userId)];
    const value = await engine.redis.get(`auth:{${userId}}:s:${a.sessionId}`);
    await engine.redis.set(`auth:{${userId}}:s:${b.sessionId}`, value ?? '', 'PX', 60_000);
    expect((await access.sessions.get(userId, a.sessionId))?.address).toBe('192.0.2.x');
    expect((await access.sessions.get(userId, b.sessionId))?.address).toBeUndefined();
  });

  it('end one by one, once', async () => {
    const userId = ledger.newUser();
    const [a, b] = [await begin(userId), await begin(userId)];
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => access.sessions.revoke(userId, a.sessionId)),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect([await live(userId, a.sessionId), await live(userId, b.sessionId)]).toEqual([false, true]);
    expect((await access.sessions.list(userId)).map(({ sessionId }) => sessionId)).toEqual([b.sessionId]);
  });

  it('are not ended by another user, nor by what is no id', async () => {
    const [userId, other] = [ledger.newUser(), ledger.newUser()];
    const { sessionId } = await begin(userId);
    for (const id of [sessionId, '*', '', '__proto__', 'a}b', 'x'.repeat(10_000)]) {
      expect(await access.sessions.revoke(other, id)).toBe(false);
      expect(await access.sessions.get(other, id)).toBeUndefined();
    }
    expect(await access.sessions.revokeOthers(other, sessionId)).toBe(0);
    expect(await live(userId, sessionId)).toBe(true);
    expect(await live(other, sessionId)).toBe(false);
  });

  it('all but one end together', async () => {
    const userId = ledger.newUser();
    const begun = await Promise.all(Array.from({ length: 30 }, () => begin(userId)));
    const kept = begun[7]?.sessionId ?? '';
    expect(await access.sessions.revokeOthers(userId, kept)).toBe(29);
    expect((await access.sessions.list(userId)).map(({ sessionId }) => sessionId)).toEqual([kept]);
    expect(await live(userId, kept)).toBe(true);
    expect(await keysOf(userId)).toHaveLength(3);
  });

  it('are a hundred at most, also when more begin at once; the oldest go', async () => {
    const userId = ledger.newUser();
    const old = await begin(userId);
    // Older than the others, whose ends would else be in the same millisecond.
    await engine.redis.zadd(`auth:{${userId}}:sx`, Date.now() + 60_000, old.sessionId);
    const begun = await Promise.all(Array.from({ length: 150 }, () => begin(userId)));
    expect(await access.sessions.list(userId)).toHaveLength(100);
    expect(await keysOf(userId)).toHaveLength(102);
    expect(await live(userId, old.sessionId)).toBe(false);
    const alive = await Promise.all(begun.map(({ sessionId }) => live(userId, sessionId)));
    expect(alive.filter(Boolean)).toHaveLength(100);
  });

  it('note their use once a minute, and live on by it', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    const key = `auth:{${userId}}:s:${sessionId}`;
    const before = await engine.redis.get(key);
    expect(await access.sessions.touch(userId, sessionId)).toBe(true);
    expect(await engine.redis.get(key)).toBe(before);

    const [, , , , seen = ''] = before?.split('|') ?? [];
    const earlier = String(Number(seen) - 61_000);
    await engine.redis.set(
      key,
      before?.replace(`|${seen}|${before.split('|')[5]}`, `|${earlier}|${before.split('|')[5]}`) ?? '',
      'PX',
      5000,
    );
    expect((await access.sessions.get(userId, sessionId))?.lastSeenAtMs).toBe(Number(earlier));
    expect(await access.sessions.touch(userId, sessionId)).toBe(true);
    expect((await access.sessions.get(userId, sessionId))?.lastSeenAtMs).toBeGreaterThanOrEqual(Number(seen));
    expect(await engine.redis.pttl(key)).toBeGreaterThan(86_400_000);
  });

  it('are not made again by use after their end', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    const touches = Array.from({ length: 20 }, () => access.sessions.touch(userId, sessionId));
    await Promise.all([...touches, access.sessions.revoke(userId, sessionId)]);
    expect(await access.sessions.touch(userId, sessionId)).toBe(false);
    expect(await live(userId, sessionId)).toBe(false);
    expect(await access.sessions.touch(userId, randomUUID())).toBe(false);
  });

  it('that the index has lost are on it again after their next use', async () => {
    const userId = ledger.newUser();
    const { sessionId } = await begin(userId);
    const key = `auth:{${userId}}:s:${sessionId}`;
    await engine.redis.del(`auth:{${userId}}:sx`);
    const value = (await engine.redis.get(key))?.split('|') ?? [];
    value[4] = '1';
    await engine.redis.set(key, value.join('|'), 'PX', 60_000);
    await access.sessions.touch(userId, sessionId);
    expect((await access.sessions.list(userId)).map((view) => view.sessionId)).toEqual([sessionId]);
    expect(await engine.redis.pttl(`auth:{${userId}}:sx`)).toBeGreaterThan(0);
  });

  it.each([
    ['a text', ['set', 'x', 'hello']],
    ['a hash', ['hset', 'x', 'a', 'b']],
    ['a list', ['lpush', 'x', 'a']],
    ['another version', ['set', 'x', '2|1|1|1|1|f|pwd|abc']],
    ['a broken session', ['set', 'x', '1|1|x|1|1|f|pwd|abc']],
  ])(
    'are not found in %s under their names, which hinders no new one',
    async (_, [command = '', , ...args]) => {
      const userId = ledger.newUser();
      const sessionId = randomUUID();
      for (const name of [`s:${sessionId}`, 'sx', 'ep'])
        await engine.redis.call(command, `auth:{${userId}}:${name}`, ...args);
      expect(await live(userId, sessionId)).toBe(false);
      expect(await access.sessions.touch(userId, sessionId)).toBe(false);
      const begun = await begin(userId);
      expect(await live(userId, begun.sessionId)).toBe(true);
      expect(await access.sessions.list(userId)).toHaveLength(1);
    },
  );

  it('are not begun with fields that would be read as others', async () => {
    const session = newSession(ledger.newUser());
    for (const broken of [
      { familyId: 'a|b' },
      { familyId: '' },
      { amr: ['a,b'] },
      { amr: Array(8).fill('pwd') as string[] },
      { userId: '{}' },
    ])
      await expect(access.sessions.create({ ...session, ...broken })).rejects.toThrow(TypeError);
  });
});
