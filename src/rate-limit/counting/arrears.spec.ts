import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { RedisUnavailableError } from '../../redis/index.js';
import { compileLimit } from '../policies/compiled-limit.js';
import { Arrears } from './arrears.js';
import { Meter } from './meter.js';
import { OPERATION } from './outcome.js';
import type { Question } from './question.js';

const ROW = { kind: 'window', per: 'user', quota: 1000, windowMs: 60_000 } as const;
const LIMIT = compileLimit('p', { limits: [ROW] }, ROW);
const TRUST = 7;

/** Redis answers when it is told to. */
function start(capacity = 1000) {
  const questions: Question[] = [];
  const clock = new ManualClock();
  clock.advance(1000);
  const arrears = new Arrears({
    redis: { ask: (question) => questions.push(question) },
    clock,
    instances: () => 1,
    trust: () => TRUST,
    capacity,
  });
  const grant = (units = 1) => {
    const meter = new Meter(LIMIT, LIMIT, '');
    meter.setCounts({ current: units, previous: 0, elapsedUs: 0 }, 1_000_000);
    arrears.open(meter, false);
    arrears.add(meter, units, false);
    return meter;
  };
  const answer = (count = questions.length) => {
    for (const question of questions.splice(0, count)) question.answered(true, [], 1000);
  };
  const fail = (maybeExecuted: boolean) => {
    const facts = { purpose: 'rateLimit', reason: 'reset', retryAfterMs: 1, maybeExecuted } as const;
    for (const question of questions.splice(0)) question.failed(new RedisUnavailableError(facts), 1000);
  };
  const owed = () => arrears.meters().length;
  return { arrears, clock, questions, grant, answer, fail, owed };
}

describe('What Redis has to be told', () => {
  it('is told a few at a time, each time when the last ones are answered', () => {
    const { arrears, questions, grant, answer, owed } = start();
    const meters = Array.from({ length: 70 }, () => grant());
    arrears.settleAll();
    arrears.settleAll();
    expect([questions.length, owed()]).toEqual([32, 38]);
    answer(31);
    expect(questions).toHaveLength(1);
    answer();
    expect([questions.length, owed()]).toEqual([32, 6]);
    answer();
    answer();
    expect([questions.length, owed()]).toEqual([0, 0]);
    expect(meters.every(({ trust }) => trust === TRUST)).toBe(true);
  });

  it.each([
    ['charged again where it surely was not heard', false, OPERATION.charge],
    ['a part of the next raise where it may have been heard', true, OPERATION.raise],
  ])('is %s', (_title, maybeExecuted, operation) => {
    const { arrears, questions, grant, fail, answer, owed } = start();
    for (let n = 0; n < 40; n += 1) grant(2);
    arrears.settleAll();
    fail(maybeExecuted);
    expect([questions.length, owed()]).toEqual([0, 40]);
    arrears.settleAll();
    answer(8);
    expect(questions).toHaveLength(24);
    // Those that had not been asked at first were asked first.
    expect(questions.every((question) => question.operation === operation && question.cost === 2)).toBe(true);
  });

  it('comes before whatever is asked about the same meter next', () => {
    const { arrears, questions, grant, owed } = start();
    const [one, other] = [grant(3), grant()];
    arrears.settle([one]);
    expect(questions).toMatchObject([{ operation: OPERATION.charge, meters: [one], cost: 3 }]);
    expect(arrears.meters()).toEqual([other]);
    arrears.settle([one]);
    expect([questions.length, owed()]).toEqual([1, 1]);
  });

  it('is bounded: the older half of all meters is forgotten', () => {
    const { arrears, grant, owed } = start(8);
    const meters = Array.from({ length: 100 }, () => grant());
    expect(owed()).toBeLessThanOrEqual(8);
    // And no more than that half.
    expect(owed()).toBeGreaterThan(4);
    expect(arrears.meters()).toContain(meters.at(-1));
  });

  it.each([
    [119_999, [OPERATION.reset]],
    // Whatever was spent before is earned back by then, and what others have spent since is not to be forgotten.
    [120_000, []],
  ])('is a reset for as long as that makes a difference (%i ms later)', (ms, operations) => {
    const { arrears, clock, questions, grant, owed } = start();
    arrears.reset(grant(5));
    clock.advance(ms);
    arrears.settleAll();
    expect(questions.map(({ operation }) => operation)).toEqual(operations);
    expect(owed()).toBe(0);
  });

  it('is nothing where all was given back', () => {
    const { arrears, questions, grant, owed } = start();
    arrears.takeBack(grant(2), 5, false);
    arrears.settleAll();
    expect([questions.length, owed()]).toEqual([0, 0]);
  });
});
