import { describe, expect, it } from 'vitest';
import { compileLimit } from '../policies/compiled-limit.js';
import type { LimitRow } from '../policies/policy.js';
import { countLocally, fits, outcomeOf } from './local-counting.js';
import { Meter } from './meter.js';
import { type Cost, OPERATION, type Operation } from './outcome.js';
import { usedOf } from './sliding-window.js';

const compiled = (row: LimitRow) => compileLimit('p', { limits: [row] }, row);
const rate = (burst: number) => compiled({ per: 'user', quota: burst, windowMs: burst * 100, burst });
const windowed = (quota: number) => compiled({ kind: 'window', per: 'user', quota, windowMs: 1000 });
const LIMITS = [1, 2, 3, 7, 60].flatMap((size) => [rate(size), windowed(size)]);
const INSTANCES = [1, 2, 3, 5, 10, 100];
const NOW_US = 9_000_000_000;

/** Reproducible numbers below `n`. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A meter as Redis may have left it. */
function warmMeter(limit: Meter['limit'], roll: (n: number) => number): Meter {
  const meter = new Meter(limit, limit, '');
  if (limit.kind === 'rate') meter.setAhead(roll(limit.capacity + 1), NOW_US);
  else {
    const current = roll(limit.quota + 1);
    meter.setCounts({ current, previous: roll(limit.quota + 1), elapsedUs: roll(limit.periodUs) }, NOW_US);
  }
  return meter;
}

function copyOf(meter: Meter): Meter {
  const copy = new Meter(meter.base, meter.limit, '');
  copy.setAhead(meter.aheadUs(NOW_US), NOW_US);
  copy.setCounts(meter.counts(NOW_US), NOW_US);
  return copy;
}

const stateOf = (meter: Meter, nowUs = NOW_US) => [meter.aheadUs(nowUs), meter.counts(nowUs)];

const unitsLeft = (meter: Meter): number =>
  meter.limit.kind === 'rate'
    ? (meter.limit.capacity - meter.aheadUs(NOW_US)) / meter.limit.periodUs
    : Math.max(0, meter.limit.quota - usedOf(meter.counts(NOW_US), meter.limit));

interface Asked {
  readonly operation?: Operation;
  readonly cost?: Cost;
  readonly instances?: number;
  readonly nowUs?: number;
}

function count(meters: readonly Meter[], asked: Asked = {}) {
  const { operation = OPERATION.spend, cost = 1, instances = 1, nowUs = NOW_US } = asked;
  return countLocally({ operation, meters, cost, instances, nowUs });
}

/** How often the meter grants the cost at once. */
function granted(meter: Meter, asked: Asked): number {
  let times = 0;
  while (count([meter], asked).allowed) times += 1;
  return times;
}

describe('Counting in this process', () => {
  describe.each(INSTANCES)('with %i instances', (instances) => {
    const cases = LIMITS.map((limit) => [`${limit.kind} of ${limit.burst}`, limit] as const);

    it.each(cases)('grants each its share, from whatever Redis said last: %s', (_title, limit) => {
      const roll = dice(instances);
      for (let turn = 0; turn < 200; turn += 1) {
        const meter = turn === 0 ? new Meter(limit, limit, '') : warmMeter(limit, roll);
        const left = unitsLeft(meter);
        const share = granted(copyOf(meter), { instances });
        expect(share * instances).toBeLessThanOrEqual(left + instances - 1);
        const exact = Math.floor(left / instances + 1e-9);
        expect(share).toBe(limit.burst >= instances ? exact : share);
        expect(share).toBeGreaterThanOrEqual(turn === 0 ? 1 : 0);
      }
    });

    it.each(cases)('lets no cost through more often than once beyond the limit: %s', (_title, limit) => {
      const roll = dice(instances + 7);
      for (let turn = 0; turn < 200; turn += 1) {
        const meter = warmMeter(limit, roll);
        const cost = 1 + roll(limit.burst);
        const left = unitsLeft(meter);
        const times = granted(copyOf(meter), { instances, cost });
        expect(times * cost * instances).toBeLessThanOrEqual(left + (instances - 1) * cost);
      }
    });

    it.each(cases)('takes back what it took: %s', (_title, limit) => {
      const meter = new Meter(limit, limit, '');
      count([meter], { instances });
      count([meter], { instances, operation: OPERATION.refund });
      expect(unitsLeft(meter)).toBe(limit.burst);
    });
  });

  it.each([
    [2, 10],
    [3, 10],
    [5, 10],
    [3, 1],
    [3, 2],
    [10, 3],
  ])('keeps to the limit together for as long as it lasts: %i instances, burst %i', (instances, burst) => {
    const limit = rate(burst);
    const meters = Array.from({ length: instances }, () => new Meter(limit, limit, ''));
    const roll = dice(instances);
    let total = 0;
    const lastsUs = 200 * limit.periodUs;
    for (let us = 0; us < lastsUs; us += roll(20_000)) {
      const meter = meters[roll(instances)] as Meter;
      if (count([meter], { instances, nowUs: NOW_US + us }).allowed) total += 1;
    }
    const earned = lastsUs / limit.periodUs;
    expect(total).toBeLessThanOrEqual(burst + earned + instances - 1);
    expect(total).toBeGreaterThan(earned * 0.8);
  });

  it.each([1, 3])('takes a cost from all limits or from none (%i instances)', (instances) => {
    const roll = dice(11);
    let denials = 0;
    for (let turn = 0; turn < 2000; turn += 1) {
      const meters = Array.from({ length: 1 + roll(4) }, () =>
        warmMeter(LIMITS[roll(LIMITS.length)] as Meter['limit'], roll),
      );
      if (roll(3) === 0) meters.push(meters[0] as Meter);
      const cost = roll(2) === 0 ? 1 + roll(3) : meters.map(() => 1 + roll(3));
      const before = meters.map((meter) => stateOf(meter));
      const peeked = count(meters, { cost, instances, operation: OPERATION.peek }).allowed;
      expect(meters.map((meter) => stateOf(meter))).toEqual(before);
      const { allowed, outcomes } = count(meters, { cost, instances });
      expect(outcomes).toHaveLength(meters.length);
      const repeated = new Set(meters).size < meters.length;
      expect(allowed).toBe(repeated ? allowed : peeked);
      if (allowed) continue;
      denials += 1;
      expect(meters.map((meter) => stateOf(meter))).toEqual(before);
    }
    expect(denials).toBeGreaterThan(200);
    expect(denials).toBeLessThan(1900);
  });

  it.each([
    ['rate', rate(7)],
    ['window', windowed(7)],
  ] as const)('%s: shows what is left for this instance, and when the cost fits here', (_kind, limit) => {
    const meter = new Meter(limit, limit, '');
    expect(count([meter], { instances: 3 }).outcomes[0]).toMatchObject({ remaining: 1, waitUs: 0 });
    expect(count([meter], { instances: 3 }).outcomes[0]).toMatchObject({ remaining: 0, waitUs: 0 });
    const { waitUs } = count([meter], { instances: 3 }).outcomes[0] as { waitUs: number };
    expect(count([copyOf(meter)], { instances: 3, nowUs: NOW_US + waitUs - 1 }).allowed).toBe(false);
    expect(count([copyOf(meter)], { instances: 3, nowUs: NOW_US + waitUs }).allowed).toBe(true);
    expect(count([meter], { instances: 3, cost: 8 }).outcomes[0]?.waitUs).toBe(-1);
  });

  it.each([
    ['spend', OPERATION.spend, 5, 2],
    ['peek', OPERATION.peek, 5, 5],
    ['refund', OPERATION.refund, 5, 8],
    ['refund to full', OPERATION.refund, 9, 10],
    ['charge', OPERATION.charge, 2, 0],
    ['reset', OPERATION.reset, 2, 10],
    ['raise', OPERATION.raise, 9, 7],
    ['raise what is spent already', OPERATION.raise, 5, 5],
  ] as const)('does a %s of three units', (_title, operation, left, expected) => {
    for (const limit of [rate(10), windowed(10)]) {
      const meter = new Meter(limit, limit, '');
      count([meter], { cost: 10 - left });
      const { allowed, outcomes } = count([meter], { operation, cost: 3 });
      expect([allowed, unitsLeft(meter), outcomes[0]?.remaining]).toEqual([true, expected, expected]);
    }
  });

  it('knows what would fit, and how a limit stands, without counting', () => {
    for (const limit of [rate(10), windowed(10)]) {
      const meter = new Meter(limit, limit, '');
      count([meter], { cost: 6 });
      expect([4, 5].map((cost) => fits(meter, cost, NOW_US))).toEqual([true, false]);
      expect(outcomeOf(meter, 5, false, NOW_US)).toMatchObject({ remaining: 4, waitUs: 0 });
      const { waitUs } = outcomeOf(meter, 5, true, NOW_US);
      expect([fits(meter, 5, NOW_US + waitUs - 1), fits(meter, 5, NOW_US + waitUs)]).toEqual([false, true]);
    }
  });
});
