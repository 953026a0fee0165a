import { describe, expect, it } from 'vitest';
import { rateOutcome, refunded, spent } from './gcra.js';

interface Shape {
  readonly periodUs: number;
  readonly burst: number;
}

const rate = ({ periodUs, burst }: Shape) => ({ periodUs, capacity: periodUs * burst });
const TEN = rate({ periodUs: 1000, burst: 10 });

interface Reported {
  readonly what: string;
  /** Microseconds ahead, cost, denied. */
  readonly given: readonly [number, number, boolean];
  /** Remaining, reset, wait. */
  readonly said: readonly [number, number, number];
}
const OUTCOMES: readonly Reported[] = [
  { what: 'an untouched limit', given: [0, 1, false], said: [10, 0, 0] },
  { what: 'less than a unit that was earned back', given: [9999, 1, false], said: [0, 9999, 0] },
  { what: 'a cost that can never fit', given: [0, 11, true], said: [10, 0, -1] },
  { what: 'a limit that had room while another one denied', given: [2000, 3, true], said: [8, 2000, 0] },
];

/** The same promise said differently: a bucket that fills by a microsecond's worth per microsecond. */
class Bucket {
  private level: number;
  private atUs = 0;

  constructor(private readonly limit: { readonly periodUs: number; readonly capacity: number }) {
    this.level = limit.capacity;
  }

  take(nowUs: number, cost: number): boolean {
    this.turn(nowUs);
    const price = this.limit.periodUs * cost;
    if (price > this.level) return false;
    this.level -= price;
    return true;
  }

  put(nowUs: number, cost: number): void {
    this.turn(nowUs);
    this.level = Math.min(this.limit.capacity, this.level + this.limit.periodUs * cost);
  }

  get units(): number {
    return Math.floor(this.level / this.limit.periodUs);
  }

  private turn(nowUs: number): void {
    this.level = Math.min(this.limit.capacity, this.level + nowUs - this.atUs);
    this.atUs = nowUs;
  }
}

describe('The generic cell rate algorithm', () => {
  it.each([
    { periodUs: 1, burst: 7 },
    { periodUs: 333, burst: 1 },
    { periodUs: 200_000, burst: 60 },
    { periodUs: 8_571_428_572, burst: 5 },
  ])('admits and takes back what a bucket does: $burst units, one per $periodUs us', (shape) => {
    const limit = rate(shape);
    const bucket = new Bucket(limit);
    let [fullAtUs, nowUs, state] = [0, 0, 42];
    const seen = { admitted: 0, denied: 0 };
    for (let step = 0; step < 2000; step += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      nowUs += Math.floor((state / 2 ** 32) * limit.periodUs * (step % 7 === 0 ? 5 : 1));
      const cost = 1 + (state % Math.min(shape.burst, 3));
      const aheadUs = Math.max(0, fullAtUs - nowUs);
      const after = spent(aheadUs, limit, cost);
      const fits = after <= limit.capacity;
      expect(fits).toBe(bucket.take(nowUs, cost));
      if (fits) fullAtUs = nowUs + after;
      seen[fits ? 'admitted' : 'denied'] += 1;
      if (step % 11 === 0) {
        fullAtUs = nowUs + refunded(Math.max(0, fullAtUs - nowUs), limit, cost);
        bucket.put(nowUs, cost);
      }
      const left = rateOutcome(Math.max(0, fullAtUs - nowUs), limit, cost, false);
      expect(left.remaining).toBe(bucket.units);
    }
    expect(Math.min(seen.admitted, seen.denied)).toBeGreaterThan(100);
  });

  it.each([
    { aheadUs: 10_000, cost: 1, waitUs: 1000 },
    { aheadUs: 9001, cost: 1, waitUs: 1 },
    { aheadUs: 10_000, cost: 10, waitUs: 10_000 },
    { aheadUs: 3000, cost: 8, waitUs: 1000 },
  ])('says exactly how long to wait: $cost units, $aheadUs us ahead', ({ aheadUs, cost, waitUs }) => {
    expect(rateOutcome(aheadUs, TEN, cost, true).waitUs).toBe(waitUs);
    expect(spent(aheadUs - waitUs, TEN, cost)).toBe(TEN.capacity);
    expect(spent(aheadUs - waitUs + 1, TEN, cost)).toBeGreaterThan(TEN.capacity);
  });

  it.each(OUTCOMES)('reports $what', ({ given: [aheadUs, cost, denied], said }) => {
    const { remaining, resetUs, waitUs } = rateOutcome(aheadUs, TEN, cost, denied);
    expect([remaining, resetUs, waitUs]).toEqual(said);
  });

  it.each([
    [
      'a state further ahead than the capacity is an empty limit, not a debt',
      () => spent(99_000, TEN, 1),
      11_000,
    ],
    ['a refund gives back what it is', () => refunded(10_000, TEN, 4), 6000],
    ['a refund fills a limit at most', () => refunded(3000, TEN, 4), 0],
  ])('%s', (_what, run, expected) => expect(run()).toBe(expected));

  it('is exact where the numbers are largest: 35 days, and the clock of the year 2100', () => {
    const limit = rate({ periodUs: 3_024_000_000_000 / 1_000_000, burst: 1_000_000 });
    const nowUs = 4_102_444_800_000_000;
    expect(nowUs + limit.capacity).toBeLessThan(Number.MAX_SAFE_INTEGER);
    expect(spent(limit.capacity - limit.periodUs, limit, 1)).toBe(limit.capacity);
    expect(spent(limit.capacity - limit.periodUs + 1, limit, 1)).toBe(limit.capacity + 1);
    expect(rateOutcome(limit.capacity, limit, 1, true).waitUs).toBe(limit.periodUs);
  });
});
