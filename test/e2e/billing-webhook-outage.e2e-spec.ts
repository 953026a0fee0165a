import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { EventLog } from '../../src/billing/log/event-log.js';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';
import {
  type DeliveryAnswer,
  StripeSender,
  type StripeFields,
  invoiceEvent,
} from './billing/stripe-sender.js';

const SECRET = 'whsec_of_the_tests_longer_than_32_bytes';
const PATIENT_MS = 20_000;

describeReal('The webhook of Stripe in an outage', () => {
  let house: AuthHouse;
  let stripe: StripeSender;
  let redis: RedisServer;
  let postgres: PostgresServer;
  let tenantId: string;
  beforeAll(async () => {
    // What was answered with 200 has to be there after a kill.
    redis = await startRedisServer({ appendonly: true, appendfsync: 'always' });
    postgres = await startPostgres();
    house = await AuthHouse.open({
      databaseUrl: postgres.url(),
      env: { STRIPE_WEBHOOK_SECRET: SECRET, BILLING_EVENTS_REDIS_URL: redis.url(), DATABASE_WAIT_MS: '2s' },
    });
    stripe = new StripeSender(house.first, SECRET);
    tenantId = (await (await Person.verified(house)).login()).tenantId;
  });
  afterAll(async () => {
    await house.close();
    await redis.stop();
    await postgres.stop();
  });

  afterEach(async () => {
    if (!redis.running) await redis.start();
    if (!postgres.running) await postgres.start();
  });

  let refusals = 0;
  const log = () => house.first.app.get(EventLog, { strict: false });

  async function everyEntry(): Promise<LogEntry[]> {
    const all: LogEntry[] = [];
    for (;;) {
      const last = all.at(-1);
      const page = await log().page({ count: 1000, ...(last ? { after: last.id } : {}) });
      all.push(...page);
      if (page.length < 1000) return all;
    }
  }

  function assertRefused({ status, headers, body, text }: DeliveryAnswer): void {
    expect([status, body.type]).toEqual([503, '/problems/compartment-unavailable']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(text).not.toMatch(/ECONN|ERR |ioredis|127\.0\.0\.1/);
  }

  /** As Stripe: again and again, until it is taken. */
  async function deliverUntilTaken(event: StripeFields): Promise<{ duplicate: unknown }> {
    const taken = await waitFor(
      async () => {
        const answer = await stripe.deliver(event);
        if (answer.status === 200) return answer;
        assertRefused(answer);
        refusals += 1;
        return undefined;
      },
      { what: 'an event to be taken', timeoutMs: PATIENT_MS, intervalMs: 50 },
    );
    return { duplicate: taken.body.duplicate };
  }

  it('loses nothing and doubles nothing when Redis is killed while events come in', async () => {
    const events = Array.from({ length: 400 }, (_, at) =>
      invoiceEvent(`cus_kill_${at % 20}`, { metadata: { tenant_id: tenantId } }),
    );
    const queue = [...events];
    refusals = 0;
    const workers = Array.from({ length: 8 }, async () => {
      for (let event = queue.shift(); event; event = queue.shift()) await deliverUntilTaken(event);
    });
    await waitFor(() => queue.length < 300, { what: 'the first hundred', timeoutMs: PATIENT_MS });
    await redis.kill9();
    await waitFor(() => refusals >= 8, { what: 'refusals', timeoutMs: PATIENT_MS });
    await redis.start();
    await waitFor(() => queue.length < 150, { what: 'the next hundred', timeoutMs: PATIENT_MS });
    await redis.kill9();
    await redis.start();
    await Promise.all(workers);
    const kept = (await everyEntry()).filter((entry) => entry.tenantId === tenantId);
    const ids = kept.map(({ eventId }) => eventId);
    expect(ids.toSorted()).toEqual(events.map(({ id }) => String(id)).toSorted());
    // Numbered without a hole, whatever was tried twice.
    expect(kept.map(({ tenantSequence }) => tenantSequence)).toEqual(ids.map((_, at) => at + 1));
    expect(refusals).toBeGreaterThanOrEqual(8);
  });

  it('takes an event at the second attempt whose first one failed', async () => {
    const event = invoiceEvent('cus_again', { metadata: { tenant_id: tenantId } });
    expect(
      (await stripe.deliver(invoiceEvent('cus_again', { metadata: { tenant_id: tenantId } }))).status,
    ).toBe(200);
    await redis.kill9();
    assertRefused(await stripe.deliver(event));
    await redis.start();
    const { duplicate } = await deliverUntilTaken(event);
    expect(duplicate).toBe(false);
    // What the test reads goes over another lane, which comes back by itself.
    const found = await waitFor(() => log().find(String(event['id'])), { what: 'the lane of the log' });
    expect(found.eventId).toBe(event['id']);
    expect((await log().tenantPage(tenantId, { count: 1, newestFirst: true }))[0]?.eventId).toBe(event['id']);
  });

  it('says that it cannot tell, and not that nobody knows, while SQL is away', async () => {
    const known = () => invoiceEvent('cus_known');
    await deliverUntilTaken(invoiceEvent('cus_known', { metadata: { tenant_id: tenantId } }));
    await postgres.kill9();
    // Known to this process: no SQL is needed.
    const cached = known();
    expect((await stripe.deliver(cached)).status).toBe(200);
    expect((await log().find(String(cached['id'])))?.tenantId).toBe(tenantId);
    const unknown = invoiceEvent('cus_met_in_outage', { metadata: { tenant_id: tenantId } });
    assertRefused(await stripe.deliver(unknown));
    assertRefused(await stripe.deliver(invoiceEvent('cus_met_in_outage')));
    expect(await log().find(String(unknown['id']))).toBeUndefined();
    await postgres.start();
    await deliverUntilTaken(unknown);
    expect((await log().find(String(unknown['id'])))?.tenantId).toBe(tenantId);
  });
});
