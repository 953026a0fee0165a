import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import Stripe from 'stripe';
import { EventLogModule } from '../src/billing/log/event-log.module.js';
import { Backfill } from '../src/billing/ops/backfill/backfill.js';
import { BackfillStore } from '../src/billing/ops/backfill/backfill-store.js';
import { StripeAccount } from '../src/billing/ops/backfill/stripe-account.js';
import { BackfillSettings } from '../src/billing/ops/ops.config.js';
import { CUSTOMERS_DATABASE, CustomerTenants } from '../src/billing/webhook/customer-tenants.js';
import { Ingest } from '../src/billing/webhook/ingest.js';
import { ConfigModule } from '../src/config/index.js';
import { DatabaseModule, type FeatureDatabase, getDatabaseToken } from '../src/database/index.js';
import { tenants } from '../src/identity/identity.tables.js';
import { IdentityModule } from '../src/identity/index.js';
import { RedisModule, RedisTestingModule } from '../src/redis/index.js';
import { FAKE_KEY } from '../test/support/fake-stripe.js';
import { startRedisServer } from '../test/support/redis-server.js';
import type { FakeStripeOrder } from './billing/fake-stripe-process.js';
import { MEASURED_CORE, SERVER_CORE, pin, pinning, unpin } from './cores.js';
import { Helper } from './helper.js';
import { median } from './rounds.js';
import { microseconds, printRows, rate, times } from './table.js';

const EVENTS = 20_000;
const CUSTOMERS = 200;
const ROUNDS = 5;

@Module({
  imports: [
    RedisModule.forPurpose('billingEvents'),
    ConfigModule.forFeature(BackfillSettings),
    DatabaseModule.forRoot(),
    DatabaseModule.forFeature(CUSTOMERS_DATABASE.name, { connections: CUSTOMERS_DATABASE.connections }),
    IdentityModule,
    EventLogModule,
  ],
  providers: [CustomerTenants, Ingest, BackfillStore, StripeAccount, Backfill],
})
class BackfillOnly {}

/** Events fetched per second: ours, which keeps each of them once, beside the auto-paging of Stripe's package, which drops them. */
export async function billingBackfill(): Promise<void> {
  const startS = Math.floor(Date.now() / 1000) - 7200;
  const fake = Helper.start<FakeStripeOrder>(new URL('./billing/fake-stripe-process.js', import.meta.url));
  const base = (await fake.tell({ events: EVENTS, startS, customers: CUSTOMERS })) as string;
  const redis = await startRedisServer({ appendonly: true, appendfsync: 'everysec' });
  const admin = new Redis(redis.port, '127.0.0.1');
  const app = await containerOf(redis.url(), base);
  for (const pid of [fake.pid, redis.pid]) pin(pid, SERVER_CORE);
  pin(process.pid, MEASURED_CORE);

  const rounds: Record<Way, Figure>[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    await admin.flushall();
    const peer = await measure(() => autoPaging(base));
    const kept = await measure(() => autoPagingKept(base, app.get(Ingest, { strict: false })));
    await admin.flushall();
    const first = await measure(() => fill(app, startS));
    const again = await measure(() => fill(app, startS));
    // The first round warms up and is not counted.
    if (round >= 0) rounds.push({ peer, kept, first, again });
  }
  const rows = (['peer', 'kept', 'first', 'again'] as const).map((way) => [
    NAMES[way],
    rate(median(rounds.map((one) => one[way].perSecond))),
    times(median(rounds.map((one) => one[way].perSecond / one.peer.perSecond))),
    microseconds(median(rounds.map((one) => one[way].cpuUs))),
    times(median(rounds.map((one) => one.peer.cpuUs / one[way].cpuUs))),
  ]);
  const header = ['', 'events', 'ratio', 'us CPU each', 'ratio'];
  printRows(`backfill of ${EVENTS} events, four kilobytes each. ${pinning()}`, header, rows);

  unpin(process.pid);
  admin.disconnect();
  await app.close();
  await redis.stop();
  await fake.stop();
}

type Way = keyof typeof NAMES;

interface Figure {
  readonly perSecond: number;
  /** CPU of this process for each event, microseconds. */
  readonly cpuUs: number;
}

const NAMES = {
  peer: 'stripe-node, auto-paging, nothing kept',
  kept: 'stripe-node, auto-paging, each page kept',
  first: 'backfill, everything is new',
  again: 'backfill, everything is known',
} as const;

async function containerOf(redisUrl: string, base: string): Promise<INestApplicationContext> {
  const env = {
    BILLING_EVENTS_REDIS_URL: redisUrl,
    BILLING_EVENTS_REDIS_COMMAND_MS: '10s',
    STRIPE_API_BASE: base,
    STRIPE_SECRET_KEY: FAKE_KEY,
  };
  const house = await RedisTestingModule.forFeatures([BackfillOnly], { env });
  const app = await NestFactory.createApplicationContext(house, { logger: false });
  const tenantId = randomUUID();
  const db = app.get<FeatureDatabase>(getDatabaseToken(CUSTOMERS_DATABASE.name), { strict: false });
  await db.run((sql) => sql.insert(tenants).values({ id: tenantId, name: 'bench' }));
  const customers = app.get(CustomerTenants, { strict: false });
  for (let n = 0; n < CUSTOMERS; n += 1) await customers.assign(`cus_a${n}`, tenantId);
  return app;
}

/** What one would write with the package alone: newest first, nothing to go on from, and no order within an object. */
async function autoPagingKept(base: string, ingest: Ingest): Promise<number> {
  let [events, page]: [number, Promise<unknown>[]] = [0, []];
  for await (const event of clientOf(base).events.list({ limit: 100 })) {
    page.push(ingest.take(event, JSON.stringify(event), 'backfill'));
    events += 1;
    if (page.length < 100) continue;
    await Promise.all(page);
    page = [];
  }
  await Promise.all(page);
  return events;
}

async function autoPaging(base: string): Promise<number> {
  let events = 0;
  for await (const event of clientOf(base).events.list({ limit: 100 })) if (event.id) events += 1;
  return events;
}

function clientOf(base: string): Stripe {
  const { hostname, port } = new URL(base);
  return new Stripe(FAKE_KEY, { host: hostname, port, protocol: 'http', telemetry: false });
}

async function fill(app: INestApplicationContext, fromS: number): Promise<number> {
  const { done } = await app.get(Backfill, { strict: false }).start({ id: randomUUID(), fromS });
  const { taken, duplicates } = await done;
  return taken + duplicates;
}

async function measure(work: () => Promise<number>): Promise<Figure> {
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  const events = await work();
  if (events !== EVENTS) throw new Error(`${events} of ${EVENTS} events came`);
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: events / ((performance.now() - startMs) / 1000),
    cpuUs: (user + system) / events,
  };
}
