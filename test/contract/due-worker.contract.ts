import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DueWorker, type DueWorkerOptions } from '../../src/database/index.js';
import { PermanentFailure } from '../../src/queue/index.js';
import { systemClock } from '../../src/kernel/time.js';
import type { SqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';
import { openContractHouse } from './sql.rig.js';

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const jobs = pgTable('jobs', {
  id: uuid().primaryKey(),
  secret: text().notNull(),
  attempts: integer().notNull().default(0),
  dueAt: moment('due_at')
    .notNull()
    .default(sql`now()`),
  lastReason: text('last_reason'),
  sentAt: moment('sent_at'),
  failedAt: moment('failed_at'),
  createdAt: moment('created_at')
    .notNull()
    .default(sql`now()`),
});
type Options = DueWorkerOptions<typeof jobs>;

let house: SqlHouse;
beforeAll(async () => {
  house = await openContractHouse({ features: { mail: 4, admin: 2 } });
  await house.of('admin').run((db) =>
    db.execute(sql`create table jobs (id uuid primary key, secret text not null, attempts int not null default 0,
      due_at timestamptz not null default now(), last_reason text, sent_at timestamptz, failed_at timestamptz,
      created_at timestamptz not null default now())`),
  );
});
afterAll(() => house.close());
beforeEach(() => house.of('admin').run((db) => db.delete(jobs)));

const workers: DueWorker<typeof jobs>[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.stop(0))));

function startWorker(perform: Options['perform'], more: Partial<Options> = {}): DueWorker<typeof jobs> {
  const common = { name: 'jobs', database: house.of('mail'), table: jobs, pollMs: 20 };
  const worker = new DueWorker({
    ...common,
    clock: systemClock,
    metrics: house.metrics,
    perform,
    whenDone: { secret: '' },
    ...more,
  });
  workers.push(worker);
  worker.start();
  return worker;
}

async function add(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await house.of('admin').run((db) => db.insert(jobs).values(ids.map((id) => ({ id, secret: 'canary' }))));
  return ids;
}

const rows = () => house.of('admin').run((db) => db.select().from(jobs));
const change = (set: Partial<typeof jobs.$inferInsert>) =>
  house.of('admin').run((db) => db.update(jobs).set(set));
const row = async () => (await rows())[0];
const until = (what: string, found: () => Promise<boolean> | boolean) =>
  waitFor(found, { what, timeoutMs: 15_000 });
const settled = () =>
  until('all rows to be settled', async () => (await rows()).every((r) => r.sentAt ?? r.failedAt));

describe('a row that is due', () => {
  it('is done once, by whichever of three workers takes it, and forgets its secret', async () => {
    const ids = await add(60);
    const done: string[] = [];
    for (let worker = 0; worker < 3; worker += 1)
      startWorker(async ({ id }) => {
        done.push(id);
        await new Promise((resolve) => setImmediate(resolve));
      });
    await settled();
    expect([...done].sort()).toEqual([...ids].sort());
    for (const { sentAt, attempts, secret } of await rows())
      expect([sentAt instanceof Date, attempts, secret]).toEqual([true, 1, '']);
  });

  it('is never done by two at a time', async () => {
    await add(20);
    const now = new Set<string>();
    let twice = 0;
    const perform: Options['perform'] = async ({ id }) => {
      if (now.has(id)) twice += 1;
      now.add(id);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now.delete(id);
    };
    startWorker(perform);
    startWorker(perform);
    await settled();
    expect(twice).toBe(0);
  });

  it('is not looked at before its time', async () => {
    await add(1);
    await change({ dueAt: new Date(Date.now() + 3_600_000) });
    const seen: string[] = [];
    startWorker(({ id }) => Promise.resolve(void seen.push(id)));
    const [later] = await add(1);
    await until('the one that is due', () => seen.length > 0);
    expect(seen).toEqual([later]);
  });

  it('is found at a nudge, without waiting for the next look', async () => {
    const seen: string[] = [];
    const worker = startWorker(({ id }) => Promise.resolve(void seen.push(id)), { pollMs: 3_600_000 });
    const [id] = await add(1);
    worker.nudge();
    await until('the row', () => seen.length > 0);
    expect(seen).toEqual([id]);
  });

  it('waits while as many are being done as may be', async () => {
    await add(10);
    let now = 0;
    let most = 0;
    startWorker(
      async () => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now -= 1;
      },
      { atOnce: 3 },
    );
    await settled();
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });
});

describe('a row that fails', () => {
  it('is tried again after a pause that doubles, with its reason, and keeps its secret', async () => {
    await add(1);
    startWorker(() => Promise.reject(new Error('canary')), {
      backOff: { firstMs: 100_000, mostMs: 1_000_000 },
      random: () => 0.5,
      reasonOf: () => 'smtp-refused',
    });
    const pauses: number[] = [];
    for (const attempt of [1, 2, 3]) {
      await until(`attempt ${attempt}`, async () => {
        const found = await row();
        return found?.attempts === attempt && found.lastReason === 'smtp-refused';
      });
      const found = await row();
      pauses.push(((found?.dueAt.getTime() ?? 0) - Date.now()) / 1000);
      expect(found).toMatchObject({ sentAt: null, failedAt: null, secret: 'canary' });
      await change({ dueAt: new Date(Date.now() - 1000), lastReason: null });
    }
    // Three quarters of 100, 200 and 400 seconds, less what the test itself took.
    const expected = [75, 150, 300];
    pauses.forEach((pause, index) => {
      expect(pause).toBeLessThanOrEqual((expected[index] ?? 0) + 1);
      expect(pause).toBeGreaterThan((expected[index] ?? 0) - 15);
    });
  });

  it('is tried when who refused it asks for it, if that is later', async () => {
    await add(1);
    const busy = Object.assign(new Error('busy'), { retryAfterMs: 600_000 });
    startWorker(() => Promise.reject(busy), { backOff: { firstMs: 10, mostMs: 900_000 } });
    await until('the attempt', async () => (await row())?.lastReason === 'other');
    expect(((await row())?.dueAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(500_000);
  });

  it('is given up after so many attempts', async () => {
    await add(1);
    startWorker(() => Promise.reject(new Error('no')), {
      maxAttempts: 3,
      backOff: { firstMs: 1, mostMs: 1 },
    });
    await settled();
    expect(await row()).toMatchObject({ attempts: 3, sentAt: null, lastReason: 'other', secret: '' });
  });

  it('is given up at once when trying again does not help', async () => {
    await add(1);
    startWorker(() => Promise.reject(new PermanentFailure('no-such-address')));
    await settled();
    expect(await row()).toMatchObject({ attempts: 1, sentAt: null, lastReason: 'no-such-address' });
  });

  it('is given up when it is too old', async () => {
    await add(1);
    await change({ createdAt: new Date(Date.now() - 7_200_000) });
    startWorker(() => Promise.reject(new Error('no')), { maxAgeMs: 3_600_000 });
    await settled();
    expect(await row()).toMatchObject({ attempts: 1, sentAt: null, lastReason: 'other' });
  });

  it('counts as failed when it takes longer than it may', async () => {
    await add(1);
    let told = false;
    startWorker(
      (_row, signal) => {
        signal.addEventListener('abort', () => (told = true));
        return new Promise(() => undefined);
      },
      { performMs: 30, maxAttempts: 1 },
    );
    await settled();
    expect([(await row())?.lastReason, told]).toEqual(['timeout', true]);
  });
});

describe('a row whose worker is gone', () => {
  it('is taken over when its time is over', async () => {
    await add(1);
    await change({ attempts: 1, dueAt: new Date(Date.now() + 300) });
    startWorker(() => Promise.resolve());
    await settled();
    expect(await row()).toMatchObject({ attempts: 2 });
  });

  it('is given up when it was taken again and again and never settled', async () => {
    await add(1);
    await change({ attempts: 5 });
    let performed = 0;
    startWorker(() => Promise.resolve(void (performed += 1)), { maxAttempts: 5 });
    await settled();
    expect(await row()).toMatchObject({ lastReason: 'abandoned', sentAt: null });
    expect(performed).toBe(0);
  });

  it('is not changed any more by who was overtaken', async () => {
    await add(1);
    let finish = (): void => undefined;
    startWorker(() => new Promise((resolve) => (finish = resolve)), { leaseMs: 60_000 });
    await until('the row to be taken', async () => (await row())?.attempts === 1);
    // As another process does it when the time of this one is over.
    await change({ attempts: 2, lastReason: 'of another' });
    finish();
    await until('the loss to be counted', async () => {
      const { values } = await house.metrics.dueRows.get();
      return values.some(({ labels, value }) => labels['outcome'] === 'lost' && value > 0);
    });
    expect(await row()).toMatchObject({ attempts: 2, sentAt: null, lastReason: 'of another' });
  });
});

describe('a worker that stops', () => {
  it('finishes what it does and takes nothing more', async () => {
    await add(3);
    const begun: string[] = [];
    let finish = (): void => undefined;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    const worker = startWorker(
      ({ id }) => {
        begun.push(id);
        return gate;
      },
      { atOnce: 1 },
    );
    await until('the first to begin', () => begun.length === 1);
    const stopped = worker.stop(10_000);
    finish();
    await stopped;
    const sent = (await rows()).filter(({ sentAt }) => sentAt);
    expect([begun.length, sent.map(({ id }) => id)]).toEqual([1, begun]);
  });

  it('calls off what does not end in time, and gives it back as if it had never been taken', async () => {
    await add(1);
    let begun = false;
    const worker = startWorker((_row, signal) => {
      begun = true;
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('called off'))),
      );
    });
    await until('it to begin', () => begun);
    await worker.stop(50);
    const found = await row();
    expect(found).toMatchObject({ attempts: 0, sentAt: null, failedAt: null, lastReason: null });
    expect(found?.dueAt.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
  });
});
