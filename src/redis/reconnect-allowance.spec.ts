import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { ReconnectAllowance, type ReconnectBudget } from './reconnect-allowance.js';

/** Connects as fast as the budget lets it, for ten seconds; the moments. */
function greedy(clock: ManualClock, budget: ReconnectBudget): number[] {
  const moments: number[] = [];
  for (;;) {
    const atMs = budget.plan(clock.monotonicMs());
    if (atMs > 10_000) return moments;
    clock.advance(atMs - clock.monotonicMs());
    budget.spend(atMs);
    moments.push(atMs);
  }
}

const mostWithin = (moments: readonly number[], ms: number): number =>
  Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + ms).length));

function shares(...lanes: number[]) {
  const clock = new ManualClock();
  const allowance = new ReconnectAllowance(clock);
  return {
    clock,
    budgets: lanes.map((count) => allowance.join(count)) as [ReconnectBudget, ReconnectBudget],
  };
}

describe('ReconnectAllowance', () => {
  it('lets a process with one lane connect 24 times a second', () => {
    const { clock, budgets } = shares(1);
    expect(mostWithin(greedy(clock, budgets[0]), 1000)).toBe(24);
  });

  it('gives every compartment a share by its lanes, whatever the others leave unused', () => {
    const most = [0, 1, 2, 3].map((index) => {
      const { clock, budgets } = shares(1, 1, 1, 3);
      return mostWithin(greedy(clock, budgets[index] as ReconnectBudget), 1000);
    });
    expect(most).toEqual([4, 4, 4, 12]);
  });

  it('does not let a compartment that uses up its share delay another', () => {
    const { clock, budgets } = shares(1, 1);
    greedy(clock, budgets[0]);
    const nowMs = clock.monotonicMs();
    expect(budgets[1].plan(nowMs + 5)).toBe(nowMs + 5);
  });

  it('holds the sum below 25 a second with more lanes than connects, too', () => {
    const { clock, budgets } = shares(...Array.from({ length: 40 }, () => 1));
    const gaps = greedy(clock, budgets[0]).map((at, index, all) => at - (all[index - 1] ?? -Infinity));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual((40 / 24) * 1000);
  });

  it('finds room between connects that are planned already', () => {
    const { budgets } = shares(3, 3);
    const [budget] = budgets;
    for (const wishMs of [0, 10, 20, 30, 900, 910, 920, 930, 940]) budget.plan(wishMs);
    expect([50, 60, 70, 80].map((wishMs) => budget.plan(wishMs))).toEqual([50, 60, 70, 1050]);
  });

  it('counts a connect when it takes place, not when it was planned for', () => {
    const { clock, budgets } = shares(1, 5);
    const [budget] = budgets;
    const planned = [0, 1, 2, 3].map((wishMs) => budget.plan(wishMs));
    clock.advance(500);
    for (const ms of planned) budget.spend(ms);
    expect(budget.plan(501)).toBe(500 + 1050);
  });

  it('counts what waits for nothing', () => {
    const { budgets } = shares(1, 5);
    for (let connect = 0; connect < 6; connect += 1) budgets[0].spend();
    expect(budgets[0].plan(100)).toBe(1050);
  });

  it('gives back what was planned for a connection that was given up', () => {
    const { budgets } = shares(1, 1, 1, 3);
    const [budget] = budgets;
    const planned = Array.from({ length: 4 }, () => budget.plan(0));
    expect(budget.plan(0)).toBeGreaterThan(0);
    budget.withdraw(planned[0] as number);
    expect(budget.plan(0)).toBe(0);
  });
});
