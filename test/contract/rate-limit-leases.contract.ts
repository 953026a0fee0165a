import { beforeEach, expect, it } from 'vitest';
import type { Lease } from '../../src/rate-limit/leases/lease.js';
import { seededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import { LIFE_MS, StoreRig, quota } from './rate-limit-leases.rig.js';
import { withEngine } from './support/engine.js';

withEngine('Leases of open streams', (engine) => {
  let rig: StoreRig;
  beforeEach(() => {
    rig = new StoreRig(engine.redis);
  });

  it('are given up to the limit, and again when one is freed', async () => {
    const two = quota({ user: 2 });
    const first = await rig.open(two, { user: 'ann' });
    expect(first && (await rig.open(two, { user: 'ann' }))).toBeDefined();
    expect(await rig.open(two, { user: 'ann' })).toBeUndefined();
    expect(await rig.open(two, { user: 'bob' })).toBeDefined();
    await rig.store.release([first as Lease]);
    expect(await rig.open(two, { user: 'ann' })).toBeDefined();
    expect(await rig.open(two, { user: 'ann' })).toBeUndefined();
  });

  it('are taken under every limit, or under none', async () => {
    const both = quota({ tenant: 3, user: 1 });
    expect(await rig.open(both, { tenant: 'acme', user: 'ann' })).toBeDefined();
    const denied = await rig.store.acquire(rig.lease(both, { tenant: 'acme', user: 'ann' }));
    expect(denied).toMatchObject({ admitted: false, counts: [{ open: 1, waitMs: 0 }, { open: 1 }] });
    expect((await rig.keys()).map(({ members }) => members)).toEqual([['lease-1'], ['lease-1']]);
  });

  it('say how long until one runs out, when nobody renews it', async () => {
    const one = quota({ user: 1 });
    await rig.open(one, { user: 'ann' });
    const { counts } = await rig.store.acquire(rig.lease(one, { user: 'ann' }));
    expect(counts[0]?.waitMs).toBeGreaterThan(0);
    expect(counts[0]?.waitMs).toBeLessThanOrEqual(LIFE_MS);
  });

  it('run out when nobody renews them, not before, and leave no key behind', async () => {
    const one = quota({ tenant: 9, user: 1 }, 1000);
    const startMs = performance.now();
    await rig.open(one, { tenant: 'acme', user: 'ann' });
    const again = await waitFor(() => rig.open(one, { tenant: 'acme', user: 'ann' }), {
      what: 'a free place',
    });
    expect(performance.now() - startMs).toBeGreaterThan(990);
    await rig.store.release([again]);
    expect(await rig.keys()).toEqual([]);
  });

  it('that have run out make room beside those that have not', async () => {
    const two = quota({ user: 2 });
    const [, kept] = [await rig.open(two, { user: 'ann' }), await rig.open(two, { user: 'ann' })];
    const [key = ''] = await engine.redis.keys('rl:{g}:c:*');
    await engine.redis.zadd(key, 1, 'lease-1');
    expect(await rig.open(two, { user: 'ann' })).toBeDefined();
    expect(rig.expired).toBe(1);
    expect(await engine.redis.zrange(key, '0', '-1')).toEqual([kept?.id, 'lease-3']);
  });

  it('never leave a key without a TTL, nor one that outlives its leases', async () => {
    const both = quota({ tenant: 5, user: 2 });
    const check = async () => {
      for (const { ttlMs } of await rig.keys()) {
        expect(ttlMs).toBeGreaterThan(0);
        expect(ttlMs).toBeLessThanOrEqual(LIFE_MS);
      }
    };
    const lease = (await rig.open(both, { tenant: 'acme', user: 'ann' })) as Lease;
    await check();
    await rig.open(both, { tenant: 'acme', user: 'ann' });
    await rig.open(both, { tenant: 'acme', user: 'ann' });
    await check();
    await rig.store.renew([lease]);
    await check();
    await rig.store.release([lease]);
    await check();
    await engine.redis.flushall();
    await rig.store.renew([lease]);
    expect(await rig.keys()).toHaveLength(2);
    await check();
  });

  it('live on when they are renewed, and are put back when Redis has lost them, whatever the limit', async () => {
    const one = quota({ tenant: 1 });
    const lost = (await rig.open(one, { tenant: 'acme' })) as Lease;
    await rig.store.renew([lost]);
    expect(rig.readded).toBe(0);

    await engine.redis.flushall();
    const newer = (await rig.open(one, { tenant: 'acme' })) as Lease;
    await rig.store.renew([lost, newer]);
    expect(rig.readded).toBe(1);
    expect((await rig.keys())[0]?.members).toHaveLength(2);

    const { admitted, counts } = await rig.store.acquire(rig.lease(one, { tenant: 'acme' }));
    expect([admitted, counts[0]?.open]).toEqual([false, 2]);
    await rig.store.release([lost]);
    expect(await rig.open(one, { tenant: 'acme' })).toBeUndefined();
    await rig.store.release([newer]);
    expect(await rig.open(one, { tenant: 'acme' })).toBeDefined();
  });

  it('may be freed twice, or when they are gone', async () => {
    const two = quota({ user: 2 });
    const [one, other] = [await rig.open(two, { user: 'ann' }), await rig.open(two, { user: 'ann' })];
    await rig.store.release([one as Lease]);
    await rig.store.release([one as Lease]);
    expect((await rig.keys())[0]?.members).toEqual([other?.id]);
    await engine.redis.flushall();
    await rig.store.release([one as Lease, other as Lease]);
    expect(await rig.keys()).toEqual([]);
  });

  it('count a key that holds something foreign as empty', async () => {
    const one = quota({ user: 1 });
    const lease = rig.lease(one, { user: 'ann' });
    const key = lease.seats[0]?.key ?? '';
    await engine.redis.set(key, 'foreign');
    expect(await rig.store.acquire(lease)).toMatchObject({ admitted: true, counts: [{ open: 0 }] });
    expect(rig.broken).toBe(1);

    await engine.redis.set(key, 'foreign');
    await rig.store.release([lease]);
    expect(await engine.redis.get(key)).toBe('foreign');
    await rig.store.renew([lease]);
    expect([rig.broken, rig.readded]).toEqual([2, 1]);
    expect(await engine.redis.zrange(key, '0', '-1')).toEqual([lease.id]);
    expect(await engine.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('that end later than a lease can are given the end of a new one', async () => {
    const two = quota({ user: 2 });
    const key = rig.lease(two, { user: 'ann' }).seats[0]?.key ?? '';
    await engine.redis.zadd(key, 9e15, 'from-another-clock', '+inf', 'foreign');
    expect(await rig.open(two, { user: 'ann' })).toBeUndefined();
    expect(await engine.redis.pttl(key)).toBeGreaterThan(0);
    expect(await engine.redis.pttl(key)).toBeLessThanOrEqual(LIFE_MS);
    expect(await engine.redis.zrange(key, '(9e14', '+inf', 'BYSCORE')).toEqual([]);
    await waitFor(() => rig.open(two, { user: 'ann' }), { what: 'the end of what nobody renews' });
  });

  it('of one turn are given one after the other in one call, each under every limit or under none', async () => {
    const both = quota({ tenant: 3, user: 1 });
    const of = (tenant: string, user: string) => rig.lease(both, { tenant, user });
    const calls = rig.calls;
    const wanted = [
      of('acme', 'ann'),
      of('acme', 'ann'),
      of('acme', 'bob'),
      of('ebb', 'cy'),
      of('acme', 'dee'),
    ];
    const last = of('acme', 'eve');
    const said = await Promise.all([...wanted, last].map((lease) => rig.store.acquire(lease)));
    expect(rig.calls - calls).toBe(1);
    expect(said.map(({ admitted }) => admitted)).toEqual([true, false, true, true, true, false]);
    // Who was denied by one limit has taken nothing of the other.
    expect(said.map(({ counts }) => counts.map(({ open }) => open))).toEqual([
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 0],
      [2, 0],
      [3, 0],
    ]);
    expect(said.map(({ counts }) => counts.map(({ waitMs }) => waitMs > 0))).toEqual([
      [false, false],
      [false, true],
      [false, false],
      [false, false],
      [false, false],
      [true, false],
    ]);
    const members = (await rig.keys()).flatMap((key) => key.members).sort();
    const given = wanted.flatMap(({ id }, at) => (said[at]?.admitted ? [id, id] : []));
    expect(members).toEqual(given.sort());
    for (const { ttlMs } of await rig.keys()) expect(ttlMs).toBeGreaterThan(0);
  });

  it('of one turn each hear of what was foreign or had run out, which counts once', async () => {
    const both = quota({ tenant: 9, user: 9 });
    const wanted = ['ann', 'bob', 'cy'].map((user) => rig.lease(both, { tenant: 'acme', user }));
    const [tenantKey = '', userKey = ''] = wanted[0]?.seats.map(({ key }) => key) ?? [];
    await engine.redis.zadd(tenantKey, 1, 'gone', 2, 'gone-too');
    await engine.redis.set(userKey, 'foreign');
    const said = await Promise.all(wanted.map((lease) => rig.store.acquire(lease)));
    expect(said.map(({ admitted, counts }) => [admitted, counts[0]?.open])).toEqual([
      [true, 0],
      [true, 1],
      [true, 2],
    ]);
    expect([rig.expired, rig.broken]).toEqual([2, 1]);
  });

  it('are renewed and freed hundreds in one call', async () => {
    const many = quota({ tenant: 500, user: 5 });
    const leases = await Promise.all(
      Array.from({ length: 256 }, (_, n) => rig.open(many, { tenant: `t${n % 3}`, user: `u${n}` })),
    );
    const all = leases.flatMap((lease) => lease ?? []);
    expect(all).toHaveLength(256);
    await engine.redis.flushall();
    await rig.store.renew(all);
    expect(rig.readded).toBe(512);
    expect(await rig.keys()).toHaveLength(3 + 256);
    await rig.store.release(all);
    expect(await rig.keys()).toEqual([]);
  });

  it.each([1, 2, 3])('are never more than the limit, and none too few (random history %i)', async (seed) => {
    const random = seededRandom(seed);
    const roll = (n: number) => Math.floor(random() * n);
    const both = quota({ tenant: 6, user: 3 }, 60_000);
    const open: { tenant: string; user: string; lease: Lease }[] = [];
    const having = (tenant: string, user?: string) =>
      open.filter((one) => one.tenant === tenant && (user === undefined || one.user === user)).length;
    for (let step = 0; step < 300; step += 1) {
      const [tenant, user] = [`t${roll(2)}`, `u${roll(4)}`];
      if (roll(3) === 0 && open.length > 0) {
        const [gone] = open.splice(roll(open.length), 1);
        if (gone) await rig.store.release([gone.lease]);
        continue;
      }
      // A user counts across tenants.
      const users = open.filter((one) => one.user === user).length;
      const lease = await rig.open(both, { tenant, user });
      expect(lease !== undefined).toBe(having(tenant) < 6 && users < 3);
      if (lease) open.push({ tenant, user, lease });
    }
    expect((await rig.keys()).flatMap(({ members }) => members)).toHaveLength(2 * open.length);
    await rig.store.release(open.map(({ lease }) => lease));
    expect(await rig.keys()).toEqual([]);
  });
});
