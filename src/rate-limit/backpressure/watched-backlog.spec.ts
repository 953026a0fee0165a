import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Backlog } from './backlog.js';
import { WatchedBacklog } from './watched-backlog.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('WatchedBacklog', () => {
  let clock: ManualClock;
  let depth: () => number | Promise<number>;
  let asked: number;
  let read: number[];
  let failed: number;

  beforeEach(() => {
    [clock, asked, read, failed] = [new ManualClock(), 0, [], 0];
  });

  function watch(row: Partial<Backlog> = {}): WatchedBacklog {
    const ask = () => {
      asked += 1;
      return depth();
    };
    const events = { read: (now: number) => read.push(now), failed: () => (failed += 1) };
    const watched = new WatchedBacklog({ mark: 100, ...row, depth: ask }, clock, events);
    watched.start();
    return watched;
  }

  async function pass(ms: number): Promise<void> {
    await settle();
    clock.advance(ms);
    await settle();
  }

  it('sheds above its mark, and until four fifths of it are left', async () => {
    depth = () => 100;
    const watched = watch();
    const shed: boolean[] = [];
    for (const next of [101, 100, 81, 80, 100, 101]) {
      depth = () => next;
      await pass(1000);
      shed.push(watched.sheds);
    }
    expect(shed).toEqual([true, true, true, false, false, true]);
    expect(read).toEqual([100, 101, 100, 81, 80, 100, 101]);
  });

  it('is read at its own pace, however often it is asked', async () => {
    depth = () => Promise.resolve(7);
    const watched = watch({ pollMs: 250 });
    await settle();
    for (let n = 0; n < 1000; n += 1) expect(watched.sheds).toBe(false);
    expect(asked).toBe(1);
    for (let n = 0; n < 4; n += 1) await pass(250);
    expect(asked).toBe(5);
  });

  it('keeps the last reading for ten seconds while none succeeds, and then sheds nobody', async () => {
    depth = () => 500;
    const watched = watch();
    depth = () => Promise.reject(new Error('away'));
    for (let second = 0; second < 10; second += 1) await pass(1000);
    expect([watched.sheds, failed]).toEqual([true, 10]);
    await pass(1000);
    expect(watched.sheds).toBe(false);
    depth = () => 90;
    await pass(1000);
    // Over the mark when it was last known, and not below four fifths since.
    expect(watched.sheds).toBe(true);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['is no number', () => NaN],
    ['is endless', () => Promise.resolve(Infinity)],
  ])('counts a reading that %s as failed', async (_what, broken) => {
    depth = broken;
    const watched = watch();
    await settle();
    expect([watched.sheds, failed, read]).toEqual([false, 1, []]);
  });

  it('gives a reading up that does not end, asks again, and does not listen to what it says later', async () => {
    let late = (_depth: number): void => undefined;
    depth = () => new Promise((resolve) => (late = resolve));
    const watched = watch();
    await pass(4999);
    expect([asked, failed]).toEqual([1, 0]);
    depth = () => 5;
    await pass(1);
    expect(failed).toBe(1);
    await pass(1000);
    late(1000);
    await settle();
    expect([watched.sheds, asked, read]).toEqual([false, 2, [5]]);
  });

  it('reads no more when it is stopped', async () => {
    depth = () => 5;
    watch().stop();
    await pass(10_000);
    expect(asked).toBe(1);
  });
});
