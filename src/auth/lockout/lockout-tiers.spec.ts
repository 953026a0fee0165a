import { expect, it } from 'vitest';
import { LOCKOUT_TIERS, tierOf } from './lockout-tiers.js';

it.each([
  [0, 0],
  [4, 0],
  [5, 5],
  [9, 5],
  [10, 10],
  [19, 10],
  [20, 20],
  [49, 20],
  [50, 50],
  [99, 50],
  [100, 100],
  [1e9, 100],
])('%i failures are tier %i', (failures, tier) => {
  expect(tierOf(failures)).toBe(tier);
});

it('tiers grow in failures and in their locks, and the last one holds at 100 at the latest', () => {
  const locks = LOCKOUT_TIERS.map(({ lockMs }) => lockMs ?? Infinity);
  expect(locks).toEqual([...locks].sort((one, other) => one - other));
  expect(new Set(locks).size).toBe(locks.length);
  const failures = LOCKOUT_TIERS.map((tier) => tier.failures);
  expect(failures).toEqual([...failures].sort((one, other) => one - other));
  expect(LOCKOUT_TIERS.at(-1)).toMatchObject({ lockMs: undefined });
  expect(failures.at(-1)).toBeLessThanOrEqual(100);
});
