import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.js';
import { parseDurationMs } from './time.js';

describe('A duration', () => {
  it.each([
    ['250', 250],
    ['250ms', 250],
    ['5s', 5000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['35d', 3_024_000_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['', '5 s', '-1s', '1.5s', '5x', 's'])('%j is refused', (text) => {
    expect(() => parseDurationMs(text)).toThrow(/must be a number of milliseconds/);
  });
});

describe('The manual clock', () => {
  it('runs timers in the order in which they fall due, each at its own moment', () => {
    const clock = new ManualClock(1000);
    const seen: [string, number][] = [];
    clock.after(30, () => seen.push(['late', clock.monotonicMs()]));
    clock.after(10, () => {
      seen.push(['early', clock.monotonicMs()]);
      clock.after(5, () => seen.push(['nested', clock.monotonicMs()]));
    });
    clock.after(20, () => seen.push(['cancelled', 0])).cancel();
    clock.advance(40);
    expect(seen).toEqual([
      ['early', 10],
      ['nested', 15],
      ['late', 30],
    ]);
    expect(clock.nowMs()).toBe(1040);
  });
});
