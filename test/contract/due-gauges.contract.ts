import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DueGauges, type DueGaugesOptions } from '../../src/database/index.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import { Metrics } from '../../src/telemetry/index.js';
import type { SqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';
import { openContractHouse } from './sql.rig.js';

const FRESH_MS = 5000;
const WAIT_MS = 500;

let house: SqlHouse;
let clock: ManualClock;
let metrics: Metrics;
beforeAll(async () => {
  house = await openContractHouse({ features: { mail: 2, admin: 2 } });
  await house.of('admin').run((db) => db.select().from(mailOutbox));
});
afterAll(() => house.close());
beforeEach(async () => {
  clock = new ManualClock();
  metrics = new Metrics();
  await house.of('admin').run((db) => db.delete(mailOutbox));
});

const gauges = (more: Partial<DueGaugesOptions> = {}) =>
  new DueGauges({ name: 'mail', database: house.of('mail'), table: mailOutbox, clock, metrics, ...more });
const add = (...rows: Partial<typeof mailOutbox.$inferInsert>[]) =>
  house
    .of('admin')
    .run((db) =>
      db
        .insert(mailOutbox)
        .values(rows.map((row) => ({ id: randomUUID(), template: 'a', sealed: '', ...row }))),
    );

/** What a scrape shows of a worker; undefined: no such series. */
async function scraped(worker = 'mail'): Promise<readonly [number | undefined, number | undefined]> {
  const lines = (await metrics.scrape()).split('\n');
  const value = (name: string) => {
    const line = lines.find((one) => one.startsWith(`${name}{worker="${worker}"} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  return [value('due_rows_pending'), value('due_rows_oldest_seconds')];
}

describe('what is left to do', () => {
  it('is 0 where nothing is', async () => {
    gauges();
    await add({ sentAt: new Date() }, { failedAt: new Date() });
    expect(await scraped()).toEqual([0, 0]);
  });

  it('is counted until it is settled, and is as old as the row, whatever was tried meanwhile', async () => {
    gauges();
    const [hour, minute] = [3_600_000, 60_000].map((ms) => new Date(Date.now() - ms));
    await add(
      { createdAt: hour, sentAt: new Date() },
      { createdAt: minute, dueAt: new Date(Date.now() + 3_600_000), attempts: 7 },
      {},
    );
    const [pending, oldest = 0] = await scraped();
    expect(pending).toBe(2);
    expect(oldest).toBeGreaterThan(59);
    expect(oldest).toBeLessThan(600);
  });

  it('is asked of SQL once in five seconds, however often and by however many it is read', async () => {
    const asked = async () => {
      const calls = await house.metrics.registry.getSingleMetric('infra_sql_calls_total')?.get();
      return calls?.values.find(({ labels }) => labels.feature === 'mail')?.value ?? 0;
    };
    const before = await asked();
    gauges();
    await Promise.all(Array.from({ length: 20 }, () => scraped()));
    await add({});
    expect((await scraped())[0]).toBe(0);
    clock.advance(FRESH_MS - 1);
    expect((await scraped())[0]).toBe(0);
    clock.advance(1);
    expect((await scraped())[0]).toBe(1);
    expect((await asked()) - before).toBe(2);
  });

  it('is that of one worker, where several share the table', async () => {
    gauges({ name: 'a', only: eq(mailOutbox.template, 'a') });
    gauges({ name: 'b', only: eq(mailOutbox.template, 'b') });
    await add({}, { template: 'b' }, { template: 'b' });
    expect([(await scraped('a'))[0], (await scraped('b'))[0]]).toEqual([1, 2]);
  });

  it('is counted as far as ten thousand', async () => {
    gauges();
    await house.of('admin').run((db) =>
      db.execute(sql`insert into mail_outbox (id, template, sealed)
        select gen_random_uuid(), 'a', '' from generate_series(1, 10001)`),
    );
    expect((await scraped())[0]).toBe(10_000);
  });

  it('is absent where SQL does not say in time, and there again with its answer', async () => {
    gauges();
    await add({});
    expect((await scraped())[0]).toBe(1);
    clock.advance(FRESH_MS);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let held: Promise<void> = Promise.resolve();
    await new Promise<void>((locked) => {
      held = house.of('admin').transaction(async (tx) => {
        await tx.execute(sql`lock table mail_outbox in access exclusive mode`);
        locked();
        await gate;
      });
    });
    const late = scraped();
    // The scrape has begun to wait once its question stands in line.
    await waitFor(
      () => house.status().features.some(({ feature, inUse }) => feature === 'mail' && inUse > 0),
      {
        what: 'the question',
      },
    );
    clock.advance(WAIT_MS);
    expect(await late).toEqual([undefined, undefined]);
    release();
    await held;
    await waitFor(async () => (await scraped())[0] === 1, { what: 'the answer' });
  });

  it('is absent where the engine was not opened, and does not open it', async () => {
    const database = Object.create(house.of('mail'), {
      isOpen: { value: false },
    }) as DueGaugesOptions['database'];
    gauges({ database });
    await add({});
    expect(await scraped()).toEqual([undefined, undefined]);
  });
});
