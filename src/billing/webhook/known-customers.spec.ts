import { expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { KnownCustomers } from './known-customers.js';

it('are fresh for a minute, and kept for an hour while nobody can be asked', () => {
  const clock = new ManualClock();
  const known = new KnownCustomers(clock);
  known.remember('cus_1', 'a');
  clock.advance(60_000);
  expect(known.fresh('cus_1')).toBe('a');
  clock.advance(1);
  expect([known.fresh('cus_1'), known.kept('cus_1')]).toEqual([undefined, 'a']);
  clock.advance(3_540_000);
  expect(known.kept('cus_1')).toBeUndefined();
});

it('are ten thousand at most; the one that was read longest ago goes', () => {
  const known = new KnownCustomers(new ManualClock());
  for (let at = 0; at < 10_000; at += 1) known.remember(`cus_${at}`, 'a');
  known.remember('cus_0', 'b');
  known.remember('cus_new', 'c');
  expect(['cus_0', 'cus_1', 'cus_2', 'cus_new'].map((id) => known.fresh(id))).toEqual([
    'b',
    undefined,
    'a',
    'c',
  ]);
});
