import { afterEach, beforeEach, expect, it } from 'vitest';
import { BACKFILL_LOCK_KEY } from '../../src/billing/log/keys.js';
import { Backfill } from '../../src/billing/ops/backfill/backfill.js';
import { fakeEvents } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

const EVENTS = 1100;
const anHourAgo = () => Math.floor(Date.now() / 1000) - 3600;

let house: OpsHouse;
/** Of one test the same each time: a range that was begun is gone on with. */
let fromS: number;
beforeEach(async () => {
  fromS = anHourAgo() - 60;
  const env = { BILLING_EVENTS_REDIS_COMMAND_MS: '1s' };
  house = await OpsHouse.open(env, { appendonly: true, appendfsync: 'always' });
});
afterEach(() => house.close());

const start = () => house.get(Backfill).start({ fromS });

/** Runs `then` when Stripe is asked for the n-th page, and has that one wait until it is done. */
function atPage(n: number, then: () => Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let pages = 0;
    house.stripe.onRequest = (query) => {
      // What comes before is the search for the oldest.
      if (!query.has('ending_before')) return;
      house.stripe.trouble({ kind: 'slow', ms: 20 });
      pages += 1;
      if (pages === n) then().then(resolve, reject);
    };
  });
}

async function expectAllOnce(): Promise<void> {
  const entries = await house.entries();
  expect(new Set(entries.map(({ eventId }) => eventId)).size).toBe(EVENTS);
  expect(entries).toHaveLength(EVENTS);
  expect(entries.filter(({ stale }) => stale)).toEqual([]);
}

describeReal('a backfill whose Redis goes away', () => {
  it('waits while it is away for a moment, and goes on by itself with nothing lost', async () => {
    house.stripe.add(fakeEvents({ count: EVENTS, startS: anHourAgo(), perSecond: 3 }));
    const restarted = atPage(5, () => house.redis.restart());
    const { done } = await start();
    await restarted;
    expect(await done).toMatchObject({ state: 'done', refused: 0 });
    await expectAllOnce();
  });

  it('stops where it stays away longer than its lock lives, and the next one goes on with nothing lost', async () => {
    house.stripe.add(fakeEvents({ count: EVENTS, startS: anHourAgo(), perSecond: 3 }));
    const gone = atPage(5, () => house.redis.down());
    const { record, done } = await start();
    const end = done.catch((error: unknown) => error);
    await gone;
    expect(await end).toMatchObject({ code: 'LOCK_LOST', status: 503 });
    await house.redis.start();
    house.stripe.onRequest = () => undefined;
    await waitFor(
      () =>
        house
          .get(Backfill)
          .find(record.id)
          .then(({ state }) => state === 'running')
          .catch(() => false),
      { what: 'the record to be read again', timeoutMs: 15_000, intervalMs: 50 },
    );
    // It was given up before it ended at the server: a server that is soon back still has it for a moment.
    await waitFor(async () => (await house.redis.admin().exists(BACKFILL_LOCK_KEY)) === 0, {
      what: 'the lock that was lost to end',
      timeoutMs: 10_000,
    });
    const again = await start();
    expect(again.record.id).toBe(record.id);
    expect(again.record.pages).toBeGreaterThan(0);
    expect(await again.done).toMatchObject({ state: 'done' });
    await expectAllOnce();
  });
});

describeReal('a backfill that Stripe does not serve', () => {
  it.each([301, 302, 307, 308])(
    'ends at a redirect (%i), which is not followed with the key, and names the variable',
    async (status) => {
      house.stripe.add(fakeEvents({ count: 5, startS: anHourAgo() }));
      house.stripe.trouble({ kind: 'status', status });
      const { record, done } = await start();
      await expect(done).rejects.toMatchObject({
        code: 'STRIPE_REFUSED',
        message: expect.stringContaining('STRIPE_API_BASE') as string,
      });
      const { state, reason } = await house.get(Backfill).find(record.id);
      expect(state).toBe('failed');
      expect(reason).toContain('STRIPE_API_BASE');
      expect(reason).not.toContain(house.env['STRIPE_SECRET_KEY']);
      expect(house.stripe.requests).toHaveLength(1);
    },
  );
});

describeReal('a backfill whose first page has no events and says that there are more', () => {
  it('fails and says so; the next one goes on with it', async () => {
    house.stripe.add(fakeEvents({ count: 5, startS: anHourAgo() }));
    house.stripe.trouble({ kind: 'body', body: '{"object":"list","data":[],"has_more":true}' });
    const { record, done } = await start();
    await expect(done).rejects.toMatchObject({ code: 'STRIPE_UNAVAILABLE', status: 502 });
    expect(await house.get(Backfill).find(record.id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('has_more: true') as string,
    });
    const again = await start();
    expect(again.record.id).toBe(record.id);
    expect(await again.done).toMatchObject({ state: 'done', taken: 5 });
  });
});

describeReal('a backfill of what is known', () => {
  it('asks for it by the page and appends nothing', async () => {
    house.stripe.add(fakeEvents({ count: EVENTS, startS: anHourAgo(), perSecond: 3 }));
    await (
      await start()
    ).done;
    await house.redis.admin().config('RESETSTAT');
    const { done } = await house.get(Backfill).start({ fromS: fromS - 1 });
    expect(await done).toMatchObject({ state: 'done', taken: 0, duplicates: EVENTS });
    const stats = await house.redis.admin().info('commandstats');
    expect(stats).not.toContain('cmdstat_xadd');
    // A page has a question and a checkpoint; the rest is the lock and what looks after the log.
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
    expect(calls).toBeLessThan(EVENTS / 10);
    await expectAllOnce();
  });
});
