import { expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { PolicyBook } from '../policies/plan.js';
import { RateLimitStore } from './rate-limit-store.js';
import { Rulings } from './rulings.js';

it.each([
  ['redis', undefined, false, 'redis'],
  ['redis', undefined, true, 'redis'],
  ['redis', 'refused', false, 'memory'],
  ['redis', 'refused', true, 'none'],
  ['memory', undefined, false, 'memory'],
] as const)('with %s configured, lost: %s, closed: %s, %s counts', (configured, lost, closed, backend) => {
  const clock = new ManualClock();
  const book = new PolicyBook({});
  const store = new RateLimitStore({
    configured,
    canaryPercent: 100,
    book,
    rulings: new Rulings(book, clock),
    subjects: () => 0,
    instances: () => ({ count: 1, source: 'assumed' }),
    lost: () => lost,
    closed: () => closed,
    sinceMs: () => undefined,
    clock,
  });
  expect(store.facts()).toMatchObject({ backend, configured, healthy: lost === undefined });
});
