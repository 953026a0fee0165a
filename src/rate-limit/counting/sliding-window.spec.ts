import { describe, expect, it } from 'vitest';
import { compileLimit } from '../policies/compiled-limit.js';
import type { WindowLimitRow } from '../policies/policy.js';
import { countLocally, fits } from './local-counting.js';
import { Meter } from './meter.js';
import { OPERATION } from './outcome.js';
import { refundedCounts, usedOf, windowOutcome } from './sliding-window.js';

const TEN = { periodUs: 1000, capacity: 10 };
interface Reported {
  readonly what: string;
  /** Present count, last count, microseconds since the window began. */
  readonly given: readonly [number, number, number];
  readonly cost: number;
  readonly denied: boolean;
  /** Remaining, reset, wait. */
  readonly said: readonly [number, number, number];
}
const OUTCOMES: readonly Reported[] = [
  { what: 'untouched', given: [0, 0, 0], cost: 1, denied: false, said: [10, 0, 0] },
  { what: 'full', given: [10, 0, 0], cost: 1, denied: true, said: [0, 2000, 1100] },
  { what: 'fading', given: [0, 10, 250], cost: 4, denied: true, said: [2, 750, 150] },
  { what: 'too dear', given: [2, 0, 9], cost: 11, denied: true, said: [8, 1991, -1] },
  { what: 'not the one that denied', given: [2, 0, 9], cost: 1, denied: true, said: [8, 1991, 0] },
  { what: 'above what it was lowered to', given: [30, 20, 0], cost: 1, denied: true, said: [0, 2000, 1700] },
];

function meterOf(quota: number, windowMs: number): Meter {
  const row: WindowLimitRow = { kind: 'window', per: 'user', quota, windowMs };
  const limit = compileLimit('p', { limits: [row] }, row);
  return new Meter(limit, limit, 'subject');
}

function spend(meter: Meter, nowUs: number, cost = 1): boolean {
  return countLocally({ operation: OPERATION.spend, meters: [meter], cost, instances: 1, nowUs }).allowed;
}

/** Reproducible numbers below `n`. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** What a counter only estimates: every unit with its moment. */
class Log {
  private readonly moments: number[] = [];

  add(atUs: number, units = 1): void {
    for (let unit = 0; unit < units; unit += 1) this.moments.push(atUs);
  }

  within(nowUs: number, lengthUs: number): number {
    return this.moments.filter((atUs) => atUs > nowUs - lengthUs && atUs <= nowUs).length;
  }

  /** The most units in any window of that length. */
  most(lengthUs: number): number {
    return Math.max(...this.moments.map((atUs) => this.within(atUs, lengthUs)));
  }
}

describe('The sliding-window counter', () => {
  it.each([1, 2, 3])('errs on the units of the last window only (random history %i)', (seed) => {
    const [quota, lengthUs, roll] = [20, 1_000_000, dice(seed)];
    const meter = meterOf(quota, lengthUs / 1000);
    const log = new Log();
    const seen = { admitted: 0, denied: 0, above: 0 };
    let nowUs = 5_000_000_000;
    for (let step = 0; step < 3000; step += 1) {
      nowUs += [roll(20_000), roll(100_000), roll(5) * 500_000][roll(3)] ?? 0;
      const cost = 1 + roll(3);
      const before = meter.counts(nowUs);
      const exact = log.within(nowUs, lengthUs);
      expect(exact).toBeGreaterThanOrEqual(before.current);
      expect(exact).toBeLessThanOrEqual(before.current + before.previous);
      const room = quota - usedOf(before, meter.limit);
      const allowed = spend(meter, nowUs, cost);
      expect(allowed).toBe(cost <= room);
      if (allowed) log.add(nowUs, cost);
      // So much too many: the part of the last window that has faded out, if all of it came late.
      const error = (before.previous * before.elapsedUs) / lengthUs;
      expect(allowed ? log.within(nowUs, lengthUs) : 0).toBeLessThanOrEqual(quota + error);
      seen[allowed ? 'admitted' : 'denied'] += 1;
      if (log.within(nowUs, lengthUs) > quota) seen.above += 1;
    }
    expect(Math.min(seen.admitted, seen.denied, seen.above)).toBeGreaterThan(20);
  });

  it.each([0, 1, 437_000, 500_000, 999_999])(
    'lets a flood that follows a rest have the quota in any window, and no unit more (%i us behind a second)',
    (offsetUs) => {
      const meter = meterOf(100, 1000);
      const log = new Log();
      for (let ms = 0; ms < 4000; ms += 1) {
        const nowUs = 7_000_000_000 + offsetUs + ms * 1000;
        if (spend(meter, nowUs)) log.add(nowUs);
      }
      expect(log.most(1_000_000)).toBe(100);
      expect(log.within(7_001_000_000 + offsetUs, 2 ** 40)).toBe(100);
      expect(log.within(2 ** 40, 2 ** 40)).toBeGreaterThan(390);
    },
  );

  it('admits less than twice its quota to who begins a window and strikes at its end', () => {
    const meter = meterOf(100, 1000);
    const log = new Log();
    const attempt = (ms: number): void => {
      if (spend(meter, ms * 1000)) log.add(ms * 1000);
    };
    attempt(1000);
    for (let ms = 1901; ms < 2000; ms += 1) attempt(ms);
    expect(log.most(1_000_000)).toBe(100);
    for (let ms = 2000; ms < 4000; ms += 1) attempt(ms);
    expect(log.most(1_000_000)).toBe(189);
  });

  it.each([
    ['quota 10, 1 s', 10, 1000],
    ['quota 7, an hour', 7, 3_600_000],
    ['quota 99,991, a day', 99_991, 86_400_000],
    ['quota 1,000,000, 1 s', 1_000_000, 1000],
    ['quota 1, 1 ms', 1, 1],
  ])('says exactly how long to wait (%s)', (_title, quota, windowMs) => {
    const roll = dice(quota);
    const lengthUs = windowMs * 1000;
    let checked = 0;
    for (let turn = 0; turn < 2000; turn += 1) {
      const meter = meterOf(quota, windowMs);
      const counts = {
        current: roll(quota + 1),
        previous: roll(quota + 1),
        elapsedUs: turn % 5 === 0 ? 0 : roll(lengthUs),
      };
      const cost = 1 + roll(quota);
      const nowUs = 3 * lengthUs;
      meter.setCounts(counts, nowUs);
      if (fits(meter, cost, nowUs)) continue;
      checked += 1;
      const { waitUs } = windowOutcome(meter.counts(nowUs), meter.limit, cost, true);
      // Asked of two meters, because a meter goes on with time and never back.
      expect([counts, cost, fits(meter, cost, nowUs + waitUs - 1)]).toEqual([counts, cost, false]);
      expect([counts, cost, fits(meter, cost, nowUs + waitUs)]).toEqual([counts, cost, true]);
    }
    expect(checked).toBeGreaterThan(300);
  });

  it('is never early where doubles cannot tell microseconds apart: a thousand million units in 35 days', () => {
    const quota = 1_000_000_000;
    const windowMs = 35 * 86_400_000;
    const roll = dice(9);
    for (let turn = 0; turn < 2000; turn += 1) {
      const meter = meterOf(quota, windowMs);
      const cost = 1 + roll(quota);
      meter.setCounts(
        { current: roll(quota), previous: 1 + roll(quota), elapsedUs: roll(windowMs) * 1000 },
        1,
      );
      const { waitUs } = windowOutcome(meter.counts(1), meter.limit, cost, !fits(meter, cost, 1));
      expect(fits(meter, cost, 1 + waitUs)).toBe(true);
    }
  });

  it.each(OUTCOMES)('reports a limit that is $what', ({ given, cost, denied, said }) => {
    const [current, previous, elapsedUs] = given;
    const { remaining, resetUs, waitUs } = windowOutcome({ current, previous, elapsedUs }, TEN, cost, denied);
    expect([remaining, resetUs, waitUs]).toEqual(said);
  });

  it.each([
    [{ current: 5, previous: 5 }, 3, { current: 2, previous: 5 }],
    [{ current: 5, previous: 5 }, 7, { current: 0, previous: 3 }],
    [{ current: 5, previous: 5 }, 70, { current: 0, previous: 0 }],
  ])('gives back of the present window first: %j less %i', (counts, cost, left) =>
    expect(refundedCounts({ ...counts, elapsedUs: 1 }, cost)).toEqual({ ...left, elapsedUs: 1 }),
  );
});
