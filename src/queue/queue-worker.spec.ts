import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { ManualClock } from '../kernel/manual-clock.js';
import { PermanentFailure } from './queue.errors.js';
import { QueueWorker } from './queue-worker.js';
import type { QueueWorkerOptions } from './queue-worker.options.js';
import type { Outcome, Work, WorkSource } from './work-source.js';

class Away extends Error {}

/** Work in memory. Its compartment may execute a change and lose the answer, as a server does. */
class Shelf implements WorkSource<Work> {
  readonly isOpen = true;
  readonly leaseMs = 60_000;
  asked = 0;
  failure: Error | undefined;
  /** Answers that get lost, after what they answer was done. */
  lost = 0;
  private readonly lying: Work[] = [];
  private readonly ours = new Set<string>();

  add(...ids: string[]): void {
    this.lying.push(...ids.map((id) => ({ id, attempts: 1 })));
  }

  take(most: number): Promise<readonly Work[]> {
    this.asked += 1;
    if (this.failure) return Promise.reject(this.failure);
    const taken = this.lying.splice(0, most);
    for (const { id } of taken) this.ours.add(id);
    return Promise.resolve(taken);
  }

  readonly done = (work: Work) => this.settle(work);
  readonly retry = (work: Work) => this.settle(work);
  readonly giveUp = (work: Work) => this.settle(work);
  readonly giveBack = (work: Work) => this.settle(work);
  readonly isTooOld = () => Promise.resolve(false);
  readonly isOutage = (error: unknown) => error instanceof Away;
  readonly close = () => Promise.resolve();

  private settle({ id }: Work): Promise<boolean> {
    const kept = this.ours.delete(id);
    if (this.lost === 0) return Promise.resolve(kept);
    this.lost -= 1;
    return Promise.reject(new Away());
  }
}

/** Lets everything settle that waits for promises only. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

let clock: ManualClock;
let source: Shelf;
let outcomes: Outcome[];
let said: { message: string; fields: Record<string, unknown> }[];
beforeEach(() => {
  clock = new ManualClock();
  source = new Shelf();
  outcomes = [];
  said = [];
  const keep = (message: string, fields: Record<string, unknown>) => void said.push({ message, fields });
  const quiet = () => undefined;
  Logger.overrideLogger({ log: quiet, warn: keep, error: keep } as never);
});
afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

async function work(
  perform: QueueWorkerOptions<Work>['perform'],
  more: Partial<QueueWorkerOptions<Work>> = {},
): Promise<QueueWorker<Work>> {
  const onSettled = (outcome: Outcome) => void outcomes.push(outcome);
  const worker = new QueueWorker({ name: 'test', source, perform, clock, onSettled, pollMs: 1000, ...more });
  worker.start();
  await settle();
  return worker;
}

const pass = async (ms: number): Promise<void> => {
  clock.advance(ms);
  await settle();
};

describe('what a worker could not write down at once, as the answer was lost', () => {
  const failing = (error: Error) => () => Promise.reject(error);
  it.each<[string, Outcome, QueueWorkerOptions<Work>['perform'], boolean]>([
    ['was done', 'sent', () => Promise.resolve(), false],
    ['is tried again', 'retried', failing(new Error('no')), false],
    ['is given up', 'failed', failing(new PermanentFailure('never')), false],
    ['is given back', 'returned', failing(new Error('away')), true],
  ])('%s, and counts as %s', async (_what, outcome, perform, away) => {
    source.add('1');
    source.lost = 1;
    await work(perform, { needsAreAway: () => away });
    await pass(1000);
    expect(outcomes).toEqual([outcome]);
    const givenUp = said.filter(({ message }) => message === 'Given up');
    expect(givenUp.map(({ fields }) => fields)).toEqual(
      outcome === 'failed' ? [{ worker: 'test', id: '1', attempts: 1, reason: 'never' }] : [],
    );
  });
});

describe('an error of the work itself', () => {
  /** A template that was given other values than it takes. */
  const compose = (values: unknown) => () => Promise.resolve(void (values as { name: string }).name.length);

  it('that nobody foresaw is told, once for each place that it comes from', async () => {
    source.add('1', '2', '3');
    await work(compose({}), { atOnce: 1 });
    await pass(1000);
    expect(outcomes).toEqual(['retried', 'retried', 'retried']);
    expect(said).toHaveLength(1);
    expect(said[0]?.fields).toMatchObject({ worker: 'test', error: expect.any(TypeError) });
    source.add('4');
    await pass(300_000);
    expect(said.map(({ fields }) => fields['suppressed'])).toEqual([0, 2]);
  });

  it.each<[string, Error, string]>([
    ['was foreseen', new Error('busy'), 'busy'],
    ['is an outage, which its compartment tells', new Away(), 'other'],
    ['is for good, which is told with the work', new PermanentFailure('other'), 'other'],
  ])('is not told as a mistake where it %s', async (_what, error, reason) => {
    source.add('1');
    await work(() => Promise.reject(error), { reasonOf: () => reason });
    expect(said.filter(({ message }) => message !== 'Given up')).toEqual([]);
    expect(outcomes).toHaveLength(1);
  });
});

describe('a source that is something foreign', () => {
  it('is told once in five minutes, however often it is asked', async () => {
    source.failure = new Error('WRONGTYPE');
    await work(() => Promise.resolve(), { random: () => 0.5 });
    for (let second = 0; second < 299; second += 1) await pass(1000);
    expect([source.asked > 250, said.length]).toEqual([true, 1]);
    await pass(2000);
    expect(said).toHaveLength(2);
  });

  it('is not told at all while its compartment is away', async () => {
    source.failure = new Away();
    await work(() => Promise.resolve());
    await pass(5000);
    expect([source.asked > 1, said]).toEqual([true, []]);
  });
});

describe('a worker whose work lacks what it needs', () => {
  it('is well again once the pause is over and nothing waits any more', async () => {
    source.add('1');
    const backOff = { firstMs: 4000, mostMs: 4000 };
    const worker = await work(() => Promise.reject(new Error('away')), {
      needsAreAway: () => true,
      backOff,
      random: () => 0.5,
    });
    expect([outcomes, worker.lacksNeeds]).toEqual([['returned'], true]);
    await pass(2000);
    expect(worker.lacksNeeds).toBe(true);
    await pass(2000);
    expect(worker.lacksNeeds).toBe(false);
  });
});
