import { describe, expect, it } from 'vitest';
import { type Ramp, findCapacity } from './find-capacity.js';

const ramp: Ramp = {
  firstRate: 2,
  maxRate: 20,
  durationSeconds: 10,
  mostRequests: 10_000,
  mostSeconds: 3600,
};

async function search(breaksAt: number, changes: Partial<Ramp> = {}) {
  const rates: number[] = [];
  const capacity = await findCapacity({ ...ramp, ...changes }, (rate) => {
    rates.push(rate);
    return Promise.resolve({ rate, passed: rate < breaksAt });
  });
  return { rates, capacity };
}

describe('The search for the capacity', () => {
  it('raises the rate by half until a threshold breaks, and names the last good step', async () => {
    const { rates, capacity } = await search(6);
    expect(rates).toEqual([2, 3, 4.5, 6.75]);
    expect(capacity).toMatchObject({
      lastGood: { rate: 4.5 },
      broken: { rate: 6.75 },
      endedBy: 'threshold',
    });
  });

  it('has no good step when the first one breaks', async () => {
    expect((await search(1)).capacity).toMatchObject({ lastGood: undefined, broken: { rate: 2 } });
  });

  it('ends with a step at the highest rate allowed', async () => {
    const { rates, capacity } = await search(Infinity);
    expect(rates.at(-1)).toBe(20);
    expect(rates.filter((rate) => rate === 20)).toHaveLength(1);
    expect(capacity).toMatchObject({ lastGood: { rate: 20 }, broken: undefined, endedBy: 'max-rate' });
  });

  it.each([{ mostRequests: 60 }, { mostSeconds: 25 }])('stays inside its bounds: %j', async (bound) => {
    const { rates, capacity } = await search(Infinity, bound);
    expect(rates).toEqual([2, 3]);
    expect(capacity).toMatchObject({ lastGood: { rate: 3 }, endedBy: 'bounds' });
  });

  it('ends when a step is stopped', async () => {
    const capacity = await findCapacity(ramp, () => Promise.resolve(undefined));
    expect(capacity).toMatchObject({ steps: [], lastGood: undefined, endedBy: 'stop' });
  });
});
