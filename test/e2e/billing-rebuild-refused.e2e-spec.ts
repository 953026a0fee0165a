import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { NEWEST } from '../../src/billing/log/entry-id.js';
import { REBUILD_LOCK_KEY, rebuildKey, rebuildPlaceKey, tenantKey } from '../../src/billing/log/keys.js';
import {
  InterruptedError,
  RebuildChangedError,
  RebuildStoppedError,
} from '../../src/billing/ops/ops.errors.js';
import { RebuildSource } from '../../src/billing/ops/replay/rebuild-source.js';
import { RebuildStore } from '../../src/billing/ops/replay/rebuild-store.js';
import { type RebuildWatcher, TenantRebuild } from '../../src/billing/ops/replay/tenant-rebuild.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

describeReal('the rebuild of a stream that something stands in the way of', () => {
  let house: OpsHouse;
  let tenantId: string;
  beforeAll(async () => {
    house = await OpsHouse.open();
  });
  afterAll(() => house?.close());
  beforeEach(async () => {
    tenantId = await house.tenant();
    await admin().del(REBUILD_LOCK_KEY);
  });

  const admin = () => house.redis.admin();
  const key = () => tenantKey(tenantId);
  const publish = async (count: number) => {
    const own = {
      type: 'charge.succeeded',
      tenantId,
      createdS: 1_790_000_000,
      objectId: '',
      data: '{}',
      raw: '{}',
    };
    for (let at = 0; at < count; at += 1)
      await house.log.append({ ...own, eventId: `evt_${tenantId}_${at}` });
  };
  /** Of the tenant's stream alone, behind everything. */
  const plant = async () => {
    const fields = {
      t: tenantId,
      y: 'charge.succeeded',
      e: 'evt_planted',
      c: '1',
      o: '',
      s: '9',
      f: '',
      d: '{}',
    };
    await admin().xadd(key(), '*', ...Object.entries(fields).flat());
  };
  const rebuild = (watcher: RebuildWatcher = {}) =>
    house.get(TenantRebuild).run({ tenantId, dryRun: false }, watcher);

  it('passes over any number of entries that nobody can read', async () => {
    await publish(2);
    for (let at = 0; at < 150; at += 1) await admin().xadd(key(), '*', 'foreign', 'x');
    await plant();
    expect(await rebuild()).toEqual({ before: 153, now: 3 });
    for (let at = 0; at < 150; at += 1) await admin().xadd(key(), '*', 'foreign', 'x');
    // The newest one is taken over as it is.
    expect(await rebuild()).toEqual({ before: 153, now: 4 });
  });

  it.each(['18446744073709551615-18446744073709551615', '9007199254740991-0', '99999999999999-0'])(
    'leaves out what lies at %s, where the log is not, so that deliveries go on',
    async (id) => {
      await publish(3);
      const before = await house.log.tenantPage(tenantId, { count: 10 });
      const readable = [
        't',
        tenantId,
        'y',
        'a',
        'e',
        'evt_far',
        'c',
        '1',
        'o',
        '',
        's',
        '4',
        'f',
        '',
        'd',
        '{}',
      ];
      for (const fields of [['a', 'b'], readable]) {
        await admin().xadd(key(), id, ...fields);
        const counted = await house.get(TenantRebuild).run({ tenantId, dryRun: true });
        expect(counted).toEqual({ before: 4, now: 3 });
        expect(await rebuild()).toEqual({ before: 4, now: 3 });
        expect(await house.log.tenantPage(tenantId, { count: 10 })).toEqual(before);
      }
      await publish(4);
      expect((await house.log.tenantPage(tenantId, { count: 10 })).length).toBe(4);
      expect(Number((await house.log.tail()).split('-')[0])).toBeLessThan(Date.now() + 60_000);
    },
  );

  it('begins anew where somebody has planted that it has come further than there is anything', async () => {
    await publish(3);
    const before = await house.log.tenantPage(tenantId, { count: 10 });
    const id = '99999999999999-0';
    const forged = ['t', tenantId, 'y', 'a', 'e', 'evt_far', 'c', '1', 'o', '', 's', '4', 'f', '', 'd', '{}'];
    await admin().xadd(rebuildKey(tenantId), id, ...forged);
    await admin().set(rebuildPlaceKey(tenantId), JSON.stringify({ fromMs: null, at: id, entries: 1 }));
    expect(await rebuild()).toEqual({ before: 3, now: 3 });
    expect(await house.log.tenantPage(tenantId, { count: 10 })).toEqual(before);
  });

  it.each([
    { command: 'rename', expected: 'refused', leftover: true },
    { command: 'persist', expected: 'refused', leftover: true },
    { command: 'unlink', expected: { before: 3, now: 3 }, leftover: false },
  ])(
    'leaves a whole stream that does not end where the right to $command is taken away meanwhile',
    async ({ command, expected, leftover }) => {
      await publish(3);
      const before = await house.log.tenantPage(tenantId, { count: 10 });
      const lock = await house.get(RebuildStore).lock();
      const who = { tenantId, lock };
      const begun = await house.get(RebuildStore).begin(who, { fromMs: null, at: '0-0', entries: 0 });
      const place = await house.get(RebuildStore).add(who, begun, { entries: before, upTo: before[2]!.id });
      await admin().acl('SETUSER', 'default', `-${command}`);
      const swap = await house
        .get(RebuildStore)
        .swap(who, place, NEWEST)
        .catch((error: unknown) => (error instanceof RedisUnavailableError ? 'refused' : error));
      await admin().acl('SETUSER', 'default', `+${command}`);
      expect(swap).toEqual(expected);
      const raw = await admin().xrange(key(), '-', '+');
      expect(raw.map(([id]) => id)).toEqual(before.map(({ id }) => id));
      expect(await admin().pttl(key())).toBe(-1);
      // What was built and is not in place is no burden for ever.
      expect((await admin().pttl(rebuildKey(tenantId))) > 0).toBe(leftover);
      await lock.release();
    },
  );

  it('begins anew where somebody has changed what was built, and says so', async () => {
    await publish(3);
    const spoil = () => void admin().del(rebuildKey(tenantId));
    await plant();
    const run = rebuild({ onProgress: spoil });
    await expect(run).rejects.toThrow(RebuildChangedError);
    expect(await rebuild()).toEqual({ before: 4, now: 4 });
  });

  it('does not say what became of the stream where the answer to the last call is missing', async () => {
    await publish(3);
    await plant();
    let pages = 0;
    const freeze = () => {
      // From the last page on nothing is answered any more.
      if ((pages += 1) === 2) void house.redis.freeze();
    };
    const failure = await rebuild({ onProgress: freeze }).catch((error: unknown) => error);
    house.redis.thaw();
    await admin().del(REBUILD_LOCK_KEY);
    expect(failure).toBeInstanceOf(RebuildStoppedError);
    expect(String(failure)).toContain('The new stream may have taken its place');
    await waitFor(
      () =>
        rebuild().then(
          () => true,
          () => false,
        ),
      { what: 'a rebuild', timeoutMs: 20_000 },
    );
    expect(await admin().xlen(key())).toBe(4);
  });

  it('counts no more than one request may look at, and says how far; and ends where it is told to', async () => {
    await publish(3);
    const entries = await house.log.tenantPage(tenantId, { count: 10 });
    await plant();
    const request = { tenantId, dryRun: true };
    const part = await house.get(TenantRebuild).run({ ...request, mostLooked: 1 });
    expect(part).toEqual({ before: 4, now: 3, next: entries[2]!.id });
    expect(await house.get(TenantRebuild).run(request)).toEqual({ before: 4, now: 4 });
    const told = house.get(TenantRebuild).run(request, { signal: AbortSignal.abort() });
    await expect(told).rejects.toThrow(InterruptedError);
  });

  it('reads a stream that was not there before', async () => {
    await admin().set(key(), 'foreign');
    const source = new RebuildSource(house.log, house.get(RebuildStore), tenantId, NEWEST);
    const entries = async () => {
      let count = 0;
      for await (const page of source.since('0-0')) count += page.entries.length;
      return count;
    };
    expect(await entries()).toBe(0);
    await admin().del(key());
    await publish(3);
    expect(await entries()).toBe(3);
  });
});
