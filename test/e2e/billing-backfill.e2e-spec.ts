import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Backfill } from '../../src/billing/ops/backfill/backfill.js';
import { ChangeBackfill } from '../../src/billing/ops/backfill/change-backfill.js';
import { BACKFILL_LOCK_KEY } from '../../src/billing/log/keys.js';
import { AppliedUpTo } from '../../src/billing/ops/replay/applied-up-to.js';
import { billingObjects } from '../../src/billing/projector/billing-objects.tables.js';
import { RunIdWatch } from '../../src/billing/log/run-id-watch.js';
import { waitFor } from '../support/wait-for.js';
import { type Trouble, fakeEvents } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { OpsHouse } from './billing-ops/house.js';

const nowS = () => Math.floor(Date.now() / 1000);
const anHourAgo = () => nowS() - 3600;

let house: OpsHouse;
beforeEach(async () => {
  house = await OpsHouse.open();
});
afterEach(() => house.close());

const run = async (request = {}) => {
  const { done } = await house.get(Backfill).start(request);
  return await done;
};

/** Every event of the fake once, oldest first, and none taken for late. */
async function expectAllOnce(): Promise<void> {
  const entries = await house.entries();
  expect(entries).toHaveLength(house.stripe.size);
  expect(new Set(entries.map(({ eventId }) => eventId)).size).toBe(house.stripe.size);
  expect(entries.filter(({ stale }) => stale)).toEqual([]);
}

describeReal('a backfill', () => {
  it('fetches everything once, page by page towards the newer ones, though Stripe lists newest first', async () => {
    house.stripe.add(fakeEvents({ count: 1234, startS: anHourAgo(), perSecond: 7 }));
    const record = await run();
    expect(record).toMatchObject({ state: 'done', taken: 1234, duplicates: 0, refused: 0, continuous: true });
    await expectAllOnce();
    const created = (await house.entries()).map((entry) => entry.createdS);
    // Pages follow each other; within one, those of different objects may overtake.
    for (let at = 100; at < created.length; at += 100)
      expect(created[at]).toBeGreaterThanOrEqual(Math.min(...created.slice(0, at - 99)));
    expect(house.stripe.requests.every((query) => query.get('limit') === '100')).toBe(true);
  });

  it('loses nothing where many events of one second lie across the edges of pages', async () => {
    const startS = anHourAgo();
    house.stripe.add([
      ...fakeEvents({ count: 30, startS, name: 'before' }),
      ...fakeEvents({ count: 457, startS: startS + 40, perSecond: 1000, name: 'burst' }),
      ...fakeEvents({ count: 30, startS: startS + 41, name: 'after' }),
    ]);
    expect(await run()).toMatchObject({ taken: 517, duplicates: 0 });
    await expectAllOnce();
  });

  it('finds the oldest where the very first second has more than a page', async () => {
    house.stripe.add(fakeEvents({ count: 350, startS: anHourAgo(), perSecond: 1000 }));
    expect(await run()).toMatchObject({ taken: 350 });
    await expectAllOnce();
  });

  it('goes on from where the last one ended, with the overlap, and takes what Stripe showed late', async () => {
    const startS = anHourAgo();
    house.stripe.add(fakeEvents({ count: 300, startS, perSecond: 1 }));
    await run({ fromS: startS - 10, toS: startS + 1000 });
    await run();
    const late = fakeEvents({ count: 1, startS: nowS() - 100, name: 'late' });
    house.stripe.add(late);
    house.stripe.requests.length = 0;
    expect(await run()).toMatchObject({ taken: 1, duplicates: 0 });
    const oldestAsked = Math.min(...house.stripe.requests.map((query) => Number(query.get('created[gte]'))));
    expect(nowS() - oldestAsked).toBeLessThan(360);
    await expectAllOnce();
  });

  it('waits when it is told to, and takes everything through every kind of failure', async () => {
    house.stripe.add(fakeEvents({ count: 520, startS: anHourAgo(), perSecond: 3 }));
    const troubles: Trouble[] = [
      { kind: 'limited', retryAfter: '0' },
      { kind: 'limited', retryAfter: '0.2' },
      { kind: 'limited' },
      { kind: 'status', status: 500 },
      { kind: 'cut' },
      { kind: 'body', body: '<html>' },
      { kind: 'body', body: '{"object":"list","data":[{}],"has_more":true}' },
    ];
    for (const trouble of troubles) house.stripe.trouble({ kind: 'slow', ms: 1 }, trouble);
    house.stripe.trouble(...Array.from({ length: 6 }, (): Trouble => ({ kind: 'limited', retryAfter: '0' })));
    const waits: number[] = [];
    const { done } = await house.get(Backfill).start({}, { onWait: (ms) => waits.push(ms) });
    expect(await done).toMatchObject({ state: 'done', taken: 520 });
    expect(waits.length).toBe(troubles.length + 6);
    await expectAllOnce();
  });

  it('refuses a list that is not newest first, or that does not go on', async () => {
    house.stripe.add(fakeEvents({ count: 150, startS: anHourAgo() }));
    const [a, b] = [
      { id: 'evt_x', created: 5 },
      { id: 'evt_y', created: 9 },
    ];
    const list = (data: unknown) => JSON.stringify({ object: 'list', data, has_more: true });
    house.stripe.trouble({ kind: 'body', body: list([a, b]) });
    expect(await run()).toMatchObject({ taken: 150 });
    house.stripe.add(fakeEvents({ count: 150, startS: anHourAgo(), name: 'more' }));
    house.stripe.onRequest = (query) => {
      const known = query.get('ending_before');
      if (known) house.stripe.trouble({ kind: 'body', body: list([{ id: known, created: nowS() }]) });
    };
    await expect(run({ fromS: anHourAgo() - 60 })).rejects.toThrow('lists the same events again');
  });

  it('ends at once where Stripe refuses the key, and does not show it', async () => {
    const wrong = await house.another({ STRIPE_SECRET_KEY: 'sk_test_wrong_key' });
    try {
      const { record, done } = await house.get(Backfill, wrong).start();
      const error: Error = await done.then(
        () => new Error('it did not fail'),
        (failure: Error) => failure,
      );
      expect(error.message).toContain('STRIPE_SECRET_KEY');
      expect(error.message).not.toContain('sk_test_wrong_key');
      expect(await house.get(Backfill, wrong).find(record.id)).toMatchObject({ state: 'failed' });
      expect(house.stripe.requests).toHaveLength(1);
    } finally {
      await wrong.close();
    }
  });

  it('goes on where Stripe has forgotten the event that it stood at', async () => {
    house.stripe.add(fakeEvents({ count: 250, startS: anHourAgo(), perSecond: 2 }));
    let forgotten = 0;
    house.stripe.onRequest = (query) => {
      const known = query.get('ending_before');
      if (!known || forgotten > 0) return;
      forgotten += 1;
      house.stripe.forget(known);
    };
    await run();
    const kept = new Set((await house.entries()).map(({ eventId }) => eventId));
    expect(forgotten).toBe(1);
    expect(kept.size).toBe(250);
  });

  it('keeps what cannot be kept from holding up the rest, and names it', async () => {
    const [bad, ...good] = fakeEvents({ count: 120, startS: anHourAgo() });
    house.stripe.add([...good, { ...bad!, type: 'NOT a type' }]);
    expect(await run()).toMatchObject({ state: 'done', taken: 119, refused: 1, refusedIds: ['evt_a0'] });
  });

  it('fetches again by itself what a server of Redis has lost that was restarted', async () => {
    house.stripe.add(fakeEvents({ count: 180, startS: nowS() - 200 }));
    await run();
    const watch = house.get(RunIdWatch);
    await watch.look();
    // It keeps nothing on disk.
    await house.redis.restart();
    expect(await house.redis.admin().dbsize()).toBeLessThan(180);
    await waitFor(
      async () => (await watch.look().then(() => true)) && (await house.entries()).length >= 180,
      {
        what: 'everything to be there again',
        timeoutMs: 25_000,
        intervalMs: 100,
      },
    );
    await expectAllOnce();
    const { requests } = house.stripe;
    requests.length = 0;
    await watch.look();
    expect(requests).toEqual([]);
  });

  it('fetches again what a server has lost that was emptied and goes on running: from where SQL ends, in one of the instances', async () => {
    // Long before anybody looked last, and not applied yet when the log was lost.
    const events = fakeEvents({ count: 180, startS: nowS() - 6 * 3600, tenantId: await house.tenant() });
    house.stripe.add(events);
    const other = await house.another();
    try {
      const watches = [house.get(RunIdWatch), house.get(RunIdWatch, other)];
      for (const watch of watches) await watch.look();
      await house.redis.admin().flushall();
      const { requests } = house.stripe;
      requests.length = 0;
      await waitFor(
        async () => {
          for (const watch of watches) await watch.look();
          return (await house.entries()).length >= 180;
        },
        { what: 'everything to be there again', timeoutMs: 25_000, intervalMs: 100 },
      );
      await expectAllOnce();
      // Applied as if nothing had happened: the projector finds its place in the new log by itself.
      const objects = () => house.sql.run((db) => db.select().from(billingObjects));
      await waitFor(async () => (await objects()).length === 20, {
        what: 'SQL to have all objects',
        timeoutMs: 20_000,
      });
      // As many as one backfill asks, and none by the other instance, or by whoever looks later.
      const asked = requests.filter((query) => query.has('ending_before')).length;
      for (const watch of watches) await watch.look();
      expect(requests.filter((query) => query.has('ending_before'))).toHaveLength(asked);
      expect(asked).toBeLessThanOrEqual(3);
    } finally {
      await other.close();
    }
  });

  it('goes by what SQL had of the log that is lost, not by what it has of the new one', async () => {
    const tenantId = await house.tenant();
    house.stripe.add(fakeEvents({ count: 20, startS: nowS() - 5 * 3600, tenantId }));
    const row = (objectId: string, entryMs: number) => ({
      objectId,
      tenantId,
      kind: 'invoice' as const,
      state: {},
      usage: [],
      deleted: false,
      position: '0',
      entryId: `${entryMs}-0`,
      eventId: `evt_${objectId}`,
      createdS: 1,
    });
    const rows = [row('in_old', (nowS() - 6 * 3600) * 1000), row('in_new', Date.now())];
    await house.sql.run((db) => db.insert(billingObjects).values(rows));
    const [previous, current] = ['d', 'e'].map((sign) => ({ runId: 'a'.repeat(40), birth: sign.repeat(32) }));
    const change = { previous: previous!, current: current!, lastSeenMs: Date.now() - 60_000 };
    expect(await house.get(ChangeBackfill).fetchAgain(change)).toBe('done');
    await expectAllOnce();
    // What is done asks SQL nothing: it is a question to all objects.
    const asked = vi.spyOn(house.get(AppliedUpTo), 'moment');
    expect(await house.get(ChangeBackfill).fetchAgain(change)).toBe('done');
    expect(asked).not.toHaveBeenCalled();
  });

  it('fetches it in one of the instances; the others come again, and that is no failure', async () => {
    house.stripe.add(fakeEvents({ count: 10, startS: nowS() - 200 }));
    house.stripe.trouble({ kind: 'slow', ms: 2000 });
    const birth = 'd'.repeat(32);
    const previous = { runId: 'a'.repeat(40), birth };
    const change = { previous, current: { runId: 'b'.repeat(40), birth }, lastSeenMs: Date.now() - 60_000 };
    const other = await house.another();
    try {
      const [here, there] = [house.get(ChangeBackfill), house.get(ChangeBackfill, other)];
      const states = await Promise.all([here.fetchAgain(change), there.fetchAgain(change)]);
      expect(states.sort()).toEqual(['done', 'later']);
      expect([await here.fetchAgain(change), await there.fetchAgain(change)]).toEqual(['done', 'done']);
      const next = there.fetchAgain({ ...change, current: { runId: 'c'.repeat(40), birth } });
      there.beforeApplicationShutdown();
      expect(await next).toBe('later');
    } finally {
      await other.close();
    }
  });

  it('is one at a time, and the second is told who has it', async () => {
    house.stripe.add(fakeEvents({ count: 10, startS: anHourAgo() }));
    house.stripe.trouble({ kind: 'slow', ms: 400 });
    const { done } = await house.get(Backfill).start();
    await expect(house.get(Backfill).start()).rejects.toThrow(
      new RegExp(`A backfill is running: .*:${process.pid} has it`),
    );
    await done;
    expect(await house.redis.admin().exists(BACKFILL_LOCK_KEY)).toBe(0);
    await run();
  });

  it('stops when another has its lock, and leaves that one’s record alone', async () => {
    house.stripe.add(fakeEvents({ count: 400, startS: anHourAgo() }));
    house.stripe.trouble({ kind: 'slow', ms: 1 }, { kind: 'slow', ms: 1 }, { kind: 'slow', ms: 600 });
    const { record, done } = await house.get(Backfill).start();
    await house.redis.admin().set(BACKFILL_LOCK_KEY, 'other another:1 0', 'EX', 600);
    await expect(done).rejects.toThrow('The lock of this work could not be renewed');
    expect(await house.redis.admin().get(BACKFILL_LOCK_KEY)).toBe('other another:1 0');
    expect(await house.get(Backfill).find(record.id)).toMatchObject({ state: 'running' });
  });
});
