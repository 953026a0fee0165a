import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/time.js';
import { QueueWorker } from './queue-worker.js';
import type { Work, WorkSource } from './work-source.js';

const WARM = 10_000;
const MEASURED = 50_000;
/** A signal that stays costs a kilobyte: fifty megabytes of them. */
const MOST_GROWTH_BYTES = 4_000_000;

/** So many pieces of work that all can be done, and no more. */
class Heap implements WorkSource<Work> {
  readonly isOpen = true;
  readonly leaseMs = 60_000;
  private left = 0;
  private emptied = (): void => undefined;
  private settled = 0;

  /** @returns once all of them are settled */
  add(count: number): Promise<void> {
    this.left = count;
    this.settled = 0;
    return new Promise((resolve) => {
      this.emptied = () => (this.settled === count ? resolve() : undefined);
    });
  }

  async take(most: number): Promise<readonly Work[]> {
    // As a server's answer: in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    const taken = Math.min(most, this.left);
    this.left -= taken;
    return Array.from({ length: taken }, (_, n) => ({ id: String(n), attempts: 1 }));
  }

  done(): Promise<boolean> {
    this.settled += 1;
    this.emptied();
    return Promise.resolve(true);
  }

  readonly retry = () => Promise.resolve(true);
  readonly giveUp = () => Promise.resolve(true);
  readonly giveBack = () => Promise.resolve(true);
  readonly isTooOld = () => Promise.resolve(false);
  readonly isOutage = () => false;
  readonly close = () => Promise.resolve();
}

describe('a worker that lives for long', () => {
  let collectGarbage: () => void;
  beforeAll(() => {
    setFlagsFromString('--expose-gc');
    collectGarbage = runInNewContext('gc') as () => void;
  });

  /** What is held by weak references is let go in further turns only. */
  async function heapBytes(): Promise<number> {
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    return process.memoryUsage().heapUsed;
  }

  it('keeps nothing of what it has done', async () => {
    const source = new Heap();
    const perform = async (_work: Work, signal: AbortSignal): Promise<void> => {
      // As a call to a server would.
      signal.addEventListener('abort', () => undefined, { once: true });
      await Promise.resolve();
    };
    const worker = new QueueWorker({
      name: 'test',
      source,
      perform,
      clock: systemClock,
      atOnce: 100,
      pollMs: 1,
    });
    worker.start();
    await source.add(WARM);
    const before = await heapBytes();
    await source.add(MEASURED);
    const grown = (await heapBytes()) - before;
    await worker.stop(0);
    expect(grown).toBeLessThan(MOST_GROWTH_BYTES);
  });
});
