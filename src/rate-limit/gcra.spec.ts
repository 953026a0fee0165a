import { describe, expect, it } from 'vitest';
import { type KeyedLimit, spend } from './gcra.js';

const limit = (over: Partial<KeyedLimit> = {}): KeyedLimit => ({
  key: 'k',
  intervalUs: 1000,
  burst: 10,
  cost: 1,
  ...over,
});

/** The same promise said differently: a bucket that fills by a microsecond's worth per microsecond. */
class Bucket {
  private level: number;
  private atUs = 0;

  constructor(private readonly limit: KeyedLimit) {
    this.level = limit.intervalUs * limit.burst;
  }

  take(nowUs: number, cost: number): boolean {
    this.level = Math.min(this.limit.intervalUs * this.limit.burst, this.level + nowUs - this.atUs);
    this.atUs = nowUs;
    const price = this.limit.intervalUs * cost;
    if (price > this.level) return false;
    this.level -= price;
    return true;
  }

  get units(): number {
    return Math.floor(this.level / this.limit.intervalUs);
  }
}

describe('gcra', () => {
  it.each([
    { intervalUs: 1, burst: 7 },
    { intervalUs: 333, burst: 1 },
    { intervalUs: 200_000, burst: 60 },
    { intervalUs: 8_571_428_572, burst: 5 },
  ])('admits what a bucket admits: $burst units, one per $intervalUs us', (shape) => {
    const row = limit(shape);
    const bucket = new Bucket(row);
    let tatUs: number | undefined;
    let nowUs = 0;
    let state = 42;
    for (let step = 0; step < 2000; step += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      nowUs += Math.floor((state / 2 ** 32) * row.intervalUs * (step % 7 === 0 ? 5 : 1));
      const cost = 1 + (state % Math.min(row.burst, 3));
      const answer = spend(nowUs, [{ ...row, cost }], () => tatUs);
      if (answer.allowed) tatUs = answer.tatsUs[0];
      expect(answer.allowed).toBe(bucket.take(nowUs, cost));
      expect(answer.outcomes[0]?.remaining).toBe(bucket.units);
    }
  });

  it('says exactly how long to wait: a microsecond less is too early', () => {
    const full = spend(5, [limit({ cost: 10 })], () => undefined);
    const denied = spend(100, [limit({ cost: 3 })], () => full.tatsUs[0]);
    const waitUs = denied.outcomes[0]?.waitUs ?? 0;
    expect(waitUs).toBe(2905);
    expect(spend(100 + waitUs - 1, [limit({ cost: 3 })], () => full.tatsUs[0]).allowed).toBe(false);
    expect(spend(100 + waitUs, [limit({ cost: 3 })], () => full.tatsUs[0]).allowed).toBe(true);
  });

  it('does not lock anybody out when the clock was set back', () => {
    const beforeUs = 1_790_000_000_000_000;
    const { tatsUs } = spend(beforeUs, [limit({ cost: 10 })], () => undefined);
    const hourBack = spend(beforeUs - 3_600_000_000, [limit()], () => tatsUs[0]);
    expect(hourBack).toMatchObject({ allowed: false, outcomes: [{ remaining: 0, waitUs: 1000 }] });
  });

  it('stays exact with the longest window at a present-day time', () => {
    const row = limit({ intervalUs: 35 * 86_400_000_000, burst: 1 });
    const { tatsUs } = spend(1_790_000_000_000_001, [row], () => undefined);
    expect(tatsUs[0]).toBe(1_793_024_000_000_001);
    expect(Number.isSafeInteger(tatsUs[0])).toBe(true);
  });
});
