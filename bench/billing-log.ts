import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { BillingLogSettings } from '../src/billing/log/billing-log.config.js';
import { EventLog } from '../src/billing/log/event-log.js';
import { LogNotes } from '../src/billing/log/log-notes.js';
import type { BillingEvent } from '../src/billing/log/log-entry.js';
import { systemClock } from '../src/kernel/time.js';
import { openCompartments } from '../test/support/compartments.js';
import { type RedisServerOptions, startRedisServer } from '../test/support/redis-server.js';
import { compare, printTable, pump } from './rounds.js';

const ROUNDS = 5;
const IN_FLIGHT = [1, 16, 256];
const TENANTS = Array.from({ length: 100 }, () => randomUUID());
/** As many bytes as an event of Stripe has on average, and as many as a client is told of it. */
const RAW_BYTES = 1600;
const DATA_BYTES = 300;

const DURABILITIES: readonly (readonly [name: string, options: RedisServerOptions, operations: number])[] = [
  ['without AOF', {}, 20_000],
  ['appendfsync everysec', { appendonly: true, appendfsync: 'everysec' }, 20_000],
  ['appendfsync always', { appendonly: true, appendfsync: 'always' }, 5000],
];

/** How many events are kept per second, against one bare XADD of the same bytes: what exactly-once and order cost. */
export async function billingLog(): Promise<void> {
  for (const [name, options, operations] of DURABILITIES) await measure(name, options, operations);
}

async function measure(name: string, options: RedisServerOptions, operations: number): Promise<void> {
  const server = await startRedisServer(options);
  const house = await openCompartments(['billingEvents'], {
    BILLING_EVENTS_REDIS_URL: server.url(),
    BILLING_EVENTS_REDIS_COMMAND_MS: '10s',
  });
  const settings = Object.assign(new BillingLogSettings(), {
    retentionDays: 35,
    tenantRetentionDays: 7,
    mostEntries: 1_000_000,
  });
  const log = new EventLog(
    house.client('billingEvents'),
    house.lane('billingEvents', 'bulk'),
    settings,
    new LogNotes(house.metrics, systemClock),
  );
  const bare = new Redis({ host: '127.0.0.1', port: server.port });
  let made = 0;
  const next = () => eventOf((made += 1));
  for (const concurrency of IN_FLIGHT) {
    const count = concurrency === 1 ? Math.ceil(operations / 5) : operations;
    await bare.flushall();
    const figures = await compare(
      [
        { name: 'bare ioredis, XADD of the event', run: (n, c) => pump(n, c, () => addBare(bare, next())) },
        {
          name: 'append: once, numbered, ordered, packed',
          run: (n, c) => pump(n, c, () => log.append(next())),
        },
      ],
      { concurrency, operations: count, rounds: ROUNDS },
    );
    printTable(`events kept, ${name}, ${concurrency} in flight`, figures);
  }
  const again = next();
  await log.append(again);
  const duplicates = await compare(
    [{ name: 'append of what is there already', run: (n, c) => pump(n, c, () => log.append(again)) }],
    { concurrency: 16, operations, rounds: ROUNDS },
  );
  printTable(`duplicates, ${name}, 16 in flight`, duplicates);
  bare.disconnect();
  await house.close();
  await server.stop();
}

function addBare(redis: Redis, { tenantId, data, raw }: BareEvent): Promise<unknown> {
  return redis.xadd('bare', '*', 't', tenantId, 'd', data, 'z', raw);
}

interface BareEvent extends BillingEvent {
  readonly raw: string;
}

function eventOf(n: number): BareEvent {
  const eventId = `evt_${n}`;
  const data = JSON.stringify({ stripe_event_id: eventId, pad: textOf(n, DATA_BYTES) });
  return {
    eventId,
    type: 'invoice.paid',
    tenantId: TENANTS[n % TENANTS.length] ?? '',
    createdS: 1_790_000_000 + n,
    objectId: `in_${n % 5000}`,
    data,
    raw: JSON.stringify({ id: eventId, object: 'event', pad: textOf(n, RAW_BYTES) }),
  };
}

/** Packs about as well as JSON of Stripe does. */
function textOf(n: number, bytes: number): string {
  let text = '';
  for (let word = n; text.length < bytes; word = (word * 48_271) % 2_147_483_647)
    text += `"amount_due":${word % 100_000},"currency":"eur",`;
  return text.slice(0, bytes);
}
