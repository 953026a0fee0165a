import { ne } from 'drizzle-orm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { REPLAY_LOCK_KEY } from '../../src/billing/log/keys.js';
import { Lag } from '../../src/billing/ops/lag.js';
import { ReplaySettings } from '../../src/billing/ops/ops.config.js';
import { MissedReplay } from '../../src/billing/ops/replay/missed-replay.js';
import { StartReplay } from '../../src/billing/ops/replay/start-replay.js';
import { billingObjects } from '../../src/billing/projector/billing-objects.tables.js';
import { Ingest } from '../../src/billing/webhook/ingest.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import type { Timer } from '../../src/kernel/time.js';
import { getRedisToken, type PurposeRedis } from '../../src/redis/index.js';
import { startApplication } from '../support/application.js';
import { fakeEvents } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

const startS = Math.floor(Date.now() / 1000) - 7200;
const TRY_AGAIN_MS = 15_000;

/** Says what it was asked to wait for, milliseconds. */
class WatchedClock extends ManualClock {
  readonly asked: number[] = [];

  override after(delayMs: number, run: () => void): Timer {
    this.asked.push(delayMs);
    return super.after(delayMs, run);
  }
}

describeReal('a replay at the start', () => {
  let house: OpsHouse;
  beforeEach(async () => {
    // The table is held for as long as an application takes to start.
    house = await OpsHouse.open({ DATABASE_CALL_MS: '60s', DATABASE_STATEMENT_MS: '60s' });
  });
  afterEach(() => house.close());

  const objects = async () =>
    (await house.sql.run((db) => db.select({ id: billingObjects.objectId }).from(billingObjects))).length;
  const lock = () => house.redis.admin().get(REPLAY_LOCK_KEY);

  /** @returns how many objects SQL has then */
  const projected = async () => {
    for (const event of fakeEvents({ count: 40, startS, tenantId: await house.tenant() }))
      await house.get(Ingest).take(event, JSON.stringify(event), 'webhook');
    await waitFor(
      async () => {
        const { projector } = await house.get(Lag).report();
        return projector.waiting + projector.pending === 0;
      },
      { what: 'the projector to be done', timeoutMs: 20_000 },
    );
    const whole = await objects();
    expect(whole).toBeGreaterThan(2);
    return whole;
  };

  it('begins where SQL is, also where an entry of the year 5138 was applied', async () => {
    const whole = await projected();
    const [far] = await house.sql.run((db) => db.select().from(billingObjects).limit(1));
    const { objectId } = far!;
    await house.sql.run((db) => db.delete(billingObjects).where(ne(billingObjects.objectId, objectId)));
    const set = { entryId: '99999999999999-0' };
    await house.sql.run((db) => db.update(billingObjects).set(set));
    const { from } = await house.get(MissedReplay).run(new AbortController().signal);
    expect(Date.parse(from)).toBeLessThan(Date.now());
    expect(await objects()).toBe(whole);
  });

  it('is done by an instance that has found the lock of one that died, once that has ended', async () => {
    const whole = await projected();

    // It has taken the lock, and waits for the table that somebody holds; there it is killed.
    await house.sql.transaction(async (tx) => {
      await tx.delete(billingObjects);
      await tx.execute('lock table billing_objects in access exclusive mode');
      const first = await startApplication({ ...house.env, BILLING_REPLAY_ON_START: 'true' });
      await waitFor(lock, { what: 'the first instance to have the lock', timeoutMs: 20_000 });
      first.process.kill('SIGKILL');
      await first.exit;
    });
    expect(await objects()).toBe(0);
    expect(await lock()).not.toMatch(/ done$/);

    const clock = new WatchedClock(Date.now());
    const client = house.app.get<PurposeRedis<'billingEvents'>>(getRedisToken('billingEvents', 'bulk'), {
      strict: false,
    });
    const settings = Object.assign(new ReplaySettings(), { onStart: true });
    const second = new StartReplay(settings, house.get(MissedReplay), client, clock);
    expect(await second.once()).toBe('elsewhere');
    second.onApplicationBootstrap();
    try {
      await waitFor(() => clock.asked.includes(TRY_AGAIN_MS), { what: 'the second instance to wait' });
      // What the server does by itself when the time of a lock that nobody renews is over.
      await house.redis.admin().pexpire(REPLAY_LOCK_KEY, 1);
      await waitFor(async () => (await lock()) === null, { what: 'the lock of the dead process to end' });
      clock.advance(TRY_AGAIN_MS);
      await waitFor(async () => (await lock())?.endsWith(' done'), {
        what: 'the second instance to do it',
        timeoutMs: 20_000,
      });
      expect(await objects()).toBe(whole);
      expect(await second.once()).toBe('done');
    } finally {
      await second.beforeApplicationShutdown();
    }
  });
});
