import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createOwnBuild, type OwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Holder, startHolder } from './leases/holder.js';

/** A process that ends holds its streams for this long at most. */
const LEASE_MS = 3000;
const QUOTAS = {
  short: { concurrent: [{ per: 'user', streams: 5 }], leaseMs: LEASE_MS },
  both: {
    concurrent: [
      { per: 'tenant', streams: 12 },
      { per: 'user', streams: 5 },
    ],
    leaseMs: LEASE_MS,
  },
} as const;

describeReal('Streams of several processes', () => {
  let built: OwnBuild;
  let server: RedisServer;
  let holders: Holder[] = [];
  beforeAll(async () => {
    built = createOwnBuild('leases-e2e');
    server = await startRedisServer();
  });
  afterAll(async () => {
    await server.stop();
    built.remove();
  });
  beforeEach(async () => {
    await server.admin().flushall();
  });
  afterEach(async () => {
    await Promise.all(holders.map((holder) => holder.kill9()));
    holders = [];
  });

  async function start(skewMs = 0): Promise<Holder> {
    const holder = await startHolder({
      built: dirname(built.cli),
      url: server.url(),
      quotas: QUOTAS,
      skewMs,
    });
    holders.push(holder);
    return holder;
  }

  const leaseKeys = async () => {
    const keys = await server.admin().keys('rl:{g}:c:*');
    return Promise.all(
      keys.map(async (key) => ({
        members: await server.admin().zrange(key, '0', '-1'),
        ttlMs: await server.admin().pttl(key),
      })),
    );
  };

  it('200 opened at once by two processes are as many as the limit allows, time after time', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    for (const user of ['ann', 'bob', 'cid', 'dan', 'eve']) {
      const opened = await Promise.all([
        one.open('short', { user }, 100),
        other.open('short', { user }, 100),
      ]);
      expect(opened.flat().filter(({ allowed }) => allowed)).toHaveLength(5);
      expect(new Set(opened.flat().map(({ backend }) => backend))).toEqual(new Set(['redis']));
    }
    const tenants = await Promise.all(
      ['fay', 'gus', 'hal', 'ida'].map((user, n) =>
        (n % 2 ? one : other).open('both', { tenant: 'acme', user }, 50),
      ),
    );
    expect(tenants.flat().filter(({ allowed }) => allowed)).toHaveLength(12);
    for (const opened of tenants) {
      expect(opened.filter(({ allowed }) => allowed).length).toBeLessThanOrEqual(5);
    }
  });

  it('those of a process that is killed are free again within the life of a lease, and not before', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect((await one.open('short', { user: 'ann' }, 5)).every(({ allowed }) => allowed)).toBe(true);
    const openedMs = performance.now();
    await one.kill9();
    const killedMs = performance.now();
    for (const { ttlMs } of await leaseKeys()) expect(ttlMs).toBeGreaterThan(0);
    const free = async () => (await other.open('short', { user: 'ann' }))[0]?.allowed;
    await waitFor(free, { what: 'a free place', timeoutMs: 2 * LEASE_MS });
    const freeMs = performance.now();
    // A busy machine may look late, never early.
    expect(freeMs - openedMs).toBeGreaterThan(LEASE_MS - 100);
    expect(freeMs - killedMs).toBeLessThan(LEASE_MS + 2000);
    expect((await other.open('short', { user: 'ann' }, 9)).filter(({ allowed }) => allowed)).toHaveLength(4);
  });

  it('those of a process that lives are kept for longer than a lease lives', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const opened = await one.open('short', { user: 'ann' }, 5);
    const taken = async () => (await other.open('short', { user: 'ann' }))[0]?.allowed === false;
    const untilMs = performance.now() + 1.5 * LEASE_MS;
    let always = true;
    const look = async () => {
      always &&= await taken();
      return performance.now() > untilMs;
    };
    await waitFor(look, { what: 'one and a half lives', timeoutMs: 3 * LEASE_MS, intervalMs: 50 });
    expect(always).toBe(true);
    await one.close([opened[0]?.id ?? '']);
    await waitFor(async () => !(await taken()), { what: 'the place that was given back' });
  });

  it('those that Redis has lost are there again after the next renewal', async () => {
    const one = await start();
    await one.open('short', { user: 'ann' }, 5);
    await server.admin().flushall();
    const members = async () => (await leaseKeys())[0]?.members.length === 5;
    await waitFor(members, { what: 'five leases', timeoutMs: LEASE_MS });
    expect((await leaseKeys())[0]?.ttlMs).toBeGreaterThan(0);
    expect((await one.open('short', { user: 'ann' }))[0]?.allowed).toBe(false);
  });

  it('opened and closed without a pause by two processes leave nothing behind', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    // In the middle of it the server forgets the scripts.
    const storms = Promise.all([one.storm('short', 8), other.storm('short', 8)]);
    await server.admin().script('FLUSH');
    await storms;
    await waitFor(async () => (await leaseKeys()).length === 0, {
      what: 'no lease to be left',
      timeoutMs: 1000,
    });
    expect((await one.open('short', { user: 'user-1' }, 9)).filter(({ allowed }) => allowed)).toHaveLength(5);
  });

  it('are counted by the clock of the server, whatever those of the processes say', async () => {
    const [early, late] = await Promise.all([start(-86_400_000), start(86_400_000)]);
    expect((await early.open('short', { user: 'ann' }, 3)).every(({ allowed }) => allowed)).toBe(true);
    expect((await late.open('short', { user: 'ann' }, 9)).filter(({ allowed }) => allowed)).toHaveLength(2);
    expect((await early.open('short', { user: 'ann' }))[0]?.allowed).toBe(false);
    await early.kill9();
    const free = async () => (await late.open('short', { user: 'ann' }))[0]?.allowed;
    await waitFor(free, { what: 'a free place', timeoutMs: 2 * LEASE_MS });
  });

  it('are given back when a process ends in order', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    await one.open('short', { user: 'ann' }, 5);
    await one.stop();
    expect(await leaseKeys()).toEqual([]);
    expect((await other.open('short', { user: 'ann' }, 5)).every(({ allowed }) => allowed)).toBe(true);
  });
});
