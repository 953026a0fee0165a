import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type AccessApp, EpochLedger, newSession, openAccessApp } from '../contract/access.rig.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const MINUTE_MS = 60_000;

describeReal('The epoch of a user while authCache answers and takes no write', () => {
  const ledger = new EpochLedger();
  let server: RedisServer;
  let here: AccessApp;
  let there: AccessApp;
  beforeAll(async () => {
    server = await startRedisServer();
    const open = () => openAccessApp({ env: { AUTH_CACHE_REDIS_URL: server.url() }, ledger });
    [here, there] = await Promise.all([open(), open()]);
  });
  beforeEach(() => {
    ledger.away = false;
  });
  afterEach(() => full(false));
  afterAll(async () => {
    await Promise.all([here.app.close(), there.app.close()]);
    await server.stop();
  });

  const full = (yes: boolean) => server.admin().config('SET', 'maxmemory', yes ? '1' : '0');
  const mirror = (userId: string) => `auth:{${userId}}:ep`;
  const age = (userId: string, ms: number) => server.admin().set(mirror(userId), `1:${Date.now() - ms}`);
  const begin = async () => {
    const userId = ledger.newUser();
    return { userId, ...(await here.sessions.create(newSession(userId))) };
  };
  const live = async (by: AccessApp, { userId, sessionId }: { userId: string; sessionId: string }) =>
    (await by.sessions.check(userId, sessionId, 1)).live;

  it('is what SQL tells, to instances that did not end the sessions themselves', async () => {
    const session = await begin();
    await age(session.userId, 6 * MINUTE_MS);
    await full(true);
    // As another instance does, whose word Redis does not take.
    await ledger.bumpEpoch(session.userId);
    expect([await live(here, session), await live(there, session)]).toEqual([false, false]);
    expect(await live(there, session)).toBe(false);
    await full(false);
    await waitFor(async () => (await server.admin().get(mirror(session.userId)))?.startsWith('2:'), {
      what: 'the epoch in Redis',
    });
    expect(await live(there, session)).toBe(false);
  });

  it('is asked of SQL once, and not for each request', async () => {
    const session = await begin();
    await age(session.userId, 6 * MINUTE_MS);
    await full(true);
    ledger.asked = 0;
    for (let request = 0; request < 20; request += 1) expect(await live(there, session)).toBe(true);
    expect(ledger.asked).toBe(1);
    // Nor does it matter then that SQL is away.
    ledger.away = true;
    expect(await live(there, session)).toBe(true);
  });

  it('is known without a mirror as well', async () => {
    const session = await begin();
    await server.admin().del(mirror(session.userId));
    await full(true);
    expect(await live(there, session)).toBe(true);
    await ledger.bumpEpoch(session.userId);
    await full(false);
    await age(session.userId, 6 * MINUTE_MS);
    expect(await live(there, session)).toBe(false);
  });

  it('goes back with SQL though the mirror cannot, and the mirror does as soon as it can', async () => {
    const session = await begin();
    await server.admin().set(mirror(session.userId), `7:${Date.now() - 6 * MINUTE_MS}`);
    await full(true);
    expect(await live(there, session)).toBe(true);
    await full(false);
    await waitFor(() => here.sessions.create(newSession(session.userId)), {
      what: 'a login after the fault',
    });
    expect(await server.admin().get(mirror(session.userId))).toMatch(/^1:/);
  });
});
