import { describe, expect, it } from 'vitest';
import { compileLimit } from '../policies/compiled-limit.js';
import type { LimitRow } from '../policies/policy.js';
import { Meter } from './meter.js';

const compiled = (row: LimitRow) => compileLimit('p', { limits: [row] }, row);
/** Ten units of a second each. */
const RATE = compiled({ per: 'user', quota: 10, windowMs: 10_000, burst: 10 });
const LOWERED = compiled({ per: 'user', quota: 2, windowMs: 2000, burst: 2 });
/** Ten units in a thousand microseconds. */
const WINDOW = compiled({ kind: 'window', per: 'user', quota: 10, windowMs: 1 });

const START_US = 5_000_000;
const counts = (current: number, previous: number, elapsedUs: number) => ({ current, previous, elapsedUs });

describe('A meter', () => {
  it('is found in Redis under tag and digest, whatever limit is in force', () => {
    const meter = new Meter(RATE, LOWERED, 'digest-of-16-chr');
    expect(meter.field).toBe(`${RATE.tag}digest-of-16-chr`);
    expect(RATE.tag).toMatch(/^[\w-]{4}$/);
  });

  it('earns back what was spent as time passes, and no more', () => {
    const meter = new Meter(RATE, RATE, '');
    expect(meter.aheadUs(START_US)).toBe(0);
    meter.setAhead(4_000_000, START_US);
    expect([0, 1, 3_999_999, 4_000_000, 99_000_000].map((us) => meter.aheadUs(START_US + us))).toEqual([
      4_000_000, 3_999_999, 1, 0, 0,
    ]);
  });

  it('denies for no longer than the limit takes to fill, once that was lowered', () => {
    const meter = new Meter(RATE, RATE, '');
    meter.setAhead(RATE.capacity, START_US);
    meter.follow(LOWERED);
    expect(meter.aheadUs(START_US)).toBe(LOWERED.capacity);
    expect(meter.aheadUs(START_US + LOWERED.capacity)).toBe(0);
  });

  it.each([
    ['at once', 0, counts(4, 2, 300)],
    ['at the end of its window', 699, counts(4, 2, 999)],
    ['in the next window', 700, counts(0, 4, 0)],
    ['at the end of that', 1699, counts(0, 4, 999)],
    ['after that', 1700, counts(0, 0, 0)],
    ['much later', 1_000_000, counts(0, 0, 0)],
  ])('counts in windows, one behind the other: %s', (_when, afterUs, expected) => {
    const meter = new Meter(WINDOW, WINDOW, '');
    meter.setCounts(counts(4, 2, 300), START_US);
    expect(meter.counts(START_US + afterUs)).toEqual(expected);
  });

  it.each([
    ['that was never used', undefined],
    ['that was only looked at', counts(0, 0, 0)],
    ['that was emptied in the middle of a window', counts(0, 0, 400)],
  ])('begins a window with the next unit on a limit %s', (_what, held) => {
    const meter = new Meter(WINDOW, WINDOW, '');
    if (held) meter.setCounts(held, START_US);
    expect(meter.counts(START_US + 550)).toEqual(counts(0, 0, 0));
    meter.setCounts(counts(1, 0, 0), START_US + 550);
    expect(meter.counts(START_US + 1549)).toEqual(counts(1, 0, 999));
    expect(meter.counts(START_US + 1550)).toEqual(counts(0, 1, 0));
  });

  it('reads the same at the same moment, however often it was read before', () => {
    const [often, once] = [new Meter(WINDOW, WINDOW, ''), new Meter(WINDOW, WINDOW, '')];
    for (const meter of [often, once]) meter.setCounts(counts(7, 3, 0), START_US);
    for (let us = 0; us < 1999; us += 1) often.counts(START_US + us);
    expect(often.counts(START_US + 1999)).toEqual(once.counts(START_US + 1999));
  });

  it.each<[string, (meter: Meter) => unknown]>([
    ['was spent or given back', (meter) => meter.setAhead(1, START_US)],
    ['was counted in a window', (meter) => meter.setCounts(counts(1, 0, 0), START_US)],
    ['is counted here from now on', (meter) => meter.countedHere(5000)],
    ['is another one', (meter) => meter.follow(LOWERED)],
    ['takes over what was spent elsewhere', (meter) => meter.raiseTo(spent(), START_US)],
  ])('tells once who keeps in mind how it stands that it %s', (_what, change) => {
    const meter = new Meter(RATE, RATE, '');
    let told = 0;
    meter.watchedBy({ meterChanged: () => (told += 1) });
    meter.aheadUs(START_US);
    meter.heard(1, 5000);
    expect(told).toBe(0);
    change(meter);
    change(meter);
    expect(told).toBe(1);
  });
});

function spent(): Meter {
  const meter = new Meter(RATE, RATE, '');
  meter.setAhead(RATE.capacity, START_US);
  return meter;
}
