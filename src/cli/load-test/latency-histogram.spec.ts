import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency-histogram.js';

/** A generator with a seed, so that a failure can be repeated. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function exactPercentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? Number.NaN;
}

const random = randomNumbers(42);
const SHAPES: Readonly<Record<string, () => number>> = {
  even: () => random() * 100,
  skewed: () => 0.05 * Math.exp(random() * 12),
  'below a quarter of a millisecond': () => random() * 0.25,
  'two humps': () => (random() < 0.94 ? 2 + random() : 900 + random() * 100),
  'whole powers of two': () => 2 ** Math.floor(random() * 20) / 1000,
};

describe('The latency histogram', () => {
  it.each(Object.entries(SHAPES))('gives exact percentiles within 0.8 %, rounded up: %s', (_, draw) => {
    const histogram = new LatencyHistogram();
    const values = Array.from({ length: 20_000 }, () => Math.round(draw() * 1000) / 1000);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const percent of [1, 50, 90, 95, 99, 99.9, 100]) {
      const exact = exactPercentile(values, percent);
      const measured = histogram.percentileMs(percent) ?? Number.NaN;
      // A thousandth of a microsecond for the division by 1000.
      expect(measured).toBeGreaterThanOrEqual(exact - 1e-6);
      expect(measured).toBeLessThanOrEqual(exact * 1.008 + 1e-6);
    }
    expect(histogram.maxMs).toBe(values.at(-1));
    expect(histogram.count).toBe(values.length);
  });

  it('takes the nearest rank: one slow request in twenty is above the 95th percentile, two are not', () => {
    const one = new LatencyHistogram();
    const two = new LatencyHistogram();
    for (let n = 0; n < 20; n += 1) {
      one.record(n < 19 ? 0.2 : 100);
      two.record(n < 18 ? 0.2 : 100);
    }
    expect(one.percentileMs(95)).toBe(0.2);
    expect(two.percentileMs(95)).toBe(100);
  });

  it('says nothing while it is empty', () => {
    const histogram = new LatencyHistogram();
    expect([histogram.percentileMs(50), histogram.maxMs, histogram.count]).toEqual([undefined, undefined, 0]);
  });

  it('keeps what is beyond its range at its largest value and what is below zero at zero', () => {
    const histogram = new LatencyHistogram();
    histogram.record(-1);
    histogram.record(1e12);
    expect(histogram.percentileMs(50)).toBe(0);
    expect(histogram.percentileMs(100)).toBe((2 ** 31 - 1) / 1000);
  });
});
