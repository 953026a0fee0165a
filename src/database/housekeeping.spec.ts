import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { ManualClock } from '../kernel/manual-clock.js';
import { DatabaseUnavailableError } from './database.errors.js';
import { Housekeeping, type Rounds } from './housekeeping.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Of the middle of every pause. */
const FIRST_MS = 35 * MINUTE_MS;

const away = new DatabaseUnavailableError({
  feature: 'auth',
  reason: 'timeout',
  retryAfterMs: 1000,
  maybeExecuted: false,
});

/** Lets everything settle that waits for promises only. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A table with rows that are of no use, and what was asked of it. */
class Table {
  asked: number[] = [];
  failure: Error | undefined;
  gate: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    public rows = 0,
  ) {}

  readonly forget = async (most: number): Promise<number> => {
    this.asked.push(most);
    await this.gate;
    if (this.failure) throw this.failure;
    const gone = Math.min(most, this.rows);
    this.rows -= gone;
    return gone;
  };
}

/** What all instances share. */
class Turns implements Rounds {
  isOpen = true;
  private readonly due = new Map<string, number>();

  constructor(private readonly clock: ManualClock) {}

  begin(chore: string): Promise<boolean> {
    const isDue = this.clock.nowMs() >= (this.due.get(chore) ?? 0);
    if (isDue) this.due.set(chore, this.clock.nowMs() + HOUR_MS / 2);
    return Promise.resolve(isDue);
  }

  end(chore: string): Promise<void> {
    this.due.set(chore, this.clock.nowMs() + 20 * HOUR_MS);
    return Promise.resolve();
  }
}

describe('housekeeping', () => {
  let clock: ManualClock;
  let rounds: Turns;
  beforeEach(() => {
    clock = new ManualClock();
    rounds = new Turns(clock);
    Logger.overrideLogger(false);
  });
  afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

  const keep = (chores: Table[], random = () => 0.5) => {
    const housekeeping = new Housekeeping({ chores, rounds, clock, random });
    housekeeping.onApplicationBootstrap();
    return housekeeping;
  };
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };

  it('is done soon after the start, and once a day from then on', async () => {
    const table = new Table('a', 3);
    keep([table]);
    await pass(FIRST_MS - 1);
    expect(table.asked).toHaveLength(0);
    await pass(1);
    expect([table.asked.length, table.rows]).toEqual([1, 0]);
    await pass(DAY_MS - 1);
    expect(table.asked).toHaveLength(1);
    await pass(1);
    expect(table.asked).toHaveLength(2);
  });

  it('is done by each instance at a moment of its own', async () => {
    const [early, late] = [new Table('early'), new Table('late')];
    keep([early], () => 0);
    keep([late], () => 0.999);
    await pass(5 * MINUTE_MS);
    expect([early.asked.length, late.asked.length]).toEqual([1, 0]);
    await pass(HOUR_MS);
    expect(late.asked).toHaveLength(1);
    await pass(0.9 * DAY_MS);
    expect([early.asked.length, late.asked.length]).toEqual([2, 1]);
    await pass(0.2 * DAY_MS);
    expect(late.asked).toHaveLength(2);
  });

  it('is done by one of all instances a day, and each day', async () => {
    const table = new Table('shared');
    for (const moment of [0, 0.3, 0.6, 0.999]) keep([table], () => moment);
    for (let minutes = 0; minutes < 120; minutes += 10) await pass(10 * MINUTE_MS);
    expect(table.asked).toHaveLength(1);
    for (let minutes = 0; minutes < 10 * 24 * 60; minutes += 10) await pass(10 * MINUTE_MS);
    expect(table.asked.length).toBeGreaterThanOrEqual(10);
    expect(table.asked.length).toBeLessThanOrEqual(12);
  });

  it('takes a thousand rows at a time, a hundred thousand in a round, and the rest an hour later', async () => {
    const [large, small] = [new Table('large', 100_500), new Table('small', 5)];
    keep([large, small]);
    await pass(FIRST_MS);
    while (small.rows > 0) await settle();
    expect([large.asked.length, large.rows]).toEqual([100, 500]);
    expect(new Set(large.asked)).toEqual(new Set([1000]));
    await pass(HOUR_MS);
    expect(large.rows).toBe(0);
    await pass(HOUR_MS);
    expect(large.asked).toHaveLength(101);
  });

  it.each([
    ['SQL is away', away],
    ['a chore is broken', new Error('broken')],
  ])('tries again an hour later where %s, and does the other chores', async (_what, failure) => {
    const [broken, sound] = [new Table('broken', 1), new Table('sound', 1)];
    broken.failure = failure;
    keep([broken, sound]);
    await pass(FIRST_MS);
    expect([broken.rows, sound.rows]).toEqual([1, 0]);
    broken.failure = undefined;
    await pass(HOUR_MS);
    expect(broken.rows).toBe(0);
  });

  it('opens nothing: while SQL was not needed it waits', async () => {
    rounds.isOpen = false;
    const table = new Table('a', 1);
    keep([table]);
    await pass(FIRST_MS);
    expect(table.asked).toHaveLength(0);
    rounds.isOpen = true;
    await pass(HOUR_MS);
    expect(table.rows).toBe(0);
  });

  it('stops with the application, after the statement that runs', async () => {
    const table = new Table('a', 5000);
    let release = (): void => undefined;
    table.gate = new Promise((resolve) => (release = resolve));
    const housekeeping = keep([table]);
    await pass(FIRST_MS);
    let stopped = false;
    const stopping = housekeeping.beforeApplicationShutdown().then(() => (stopped = true));
    await settle();
    expect([table.asked.length, stopped]).toEqual([1, false]);
    release();
    await stopping;
    await pass(2 * DAY_MS);
    expect([table.asked.length, table.rows]).toEqual([1, 4000]);
  });
});
