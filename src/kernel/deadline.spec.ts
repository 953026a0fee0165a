import { beforeEach, describe, expect, it } from 'vitest';
import { graceMsAfter, startDeadline } from './deadline.js';
import { ManualClock } from './manual-clock.js';

let clock: ManualClock;
let overAtMs: number | undefined;
beforeEach(() => {
  clock = new ManualClock();
  overAtMs = undefined;
});

const start = () => {
  const startedMs = clock.monotonicMs();
  return startDeadline(clock, 100, () => (overAtMs = clock.monotonicMs() - startedMs));
};
/** What is to happen after the turn of the event loop in which the time was over. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('startDeadline', () => {
  it('is over when its time is', async () => {
    start();
    clock.advance(99);
    await turn();
    expect(overAtMs).toBeUndefined();
    clock.advance(1);
    await turn();
    expect(overAtMs).toBe(100);
  });

  it('is not over once it was cancelled, also in the turn in which its time was over', async () => {
    const timer = start();
    clock.standStill(1000);
    clock.advance(300);
    timer.cancel();
    await turn();
    expect(overAtMs).toBeUndefined();
  });

  it('waits for answers that a standstill of the process held up', async () => {
    start();
    clock.standStill(500);
    clock.advance(99);
    await turn();
    expect(overAtMs).toBeUndefined();
    clock.advance(2);
    await turn();
    expect(overAtMs).toBeGreaterThanOrEqual(600);
  });
});

describe('graceMsAfter', () => {
  it.each([
    [0, 0],
    [20, 0],
    [21, 25],
    [400, 100],
    [60_000, 250],
  ])('gives a timer that was late by %d ms another %d ms', (lateMs, graceMs) => {
    expect(graceMsAfter(lateMs)).toBe(graceMs);
  });
});
