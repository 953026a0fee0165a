import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { ReconnectAllowance } from './reconnect-allowance.js';
import { ReconnectPace } from './reconnect-pace.js';

const highest = () => 0.9999;
const lowest = () => 0;

/** A lane of its own process, whose budget never stands in the way of what is looked at here. */
function laneWith(random: () => number, capMs = 1800) {
  const clock = new ManualClock();
  const budget = { plan: (wishMs: number) => wishMs, spend: () => undefined, withdraw: () => undefined };
  return { clock, pace: new ReconnectPace({ clock, capMs, budget, random }) };
}

type Lane = ReturnType<typeof laneWith>;

/** The pauses of an outage in which every attempt fails at once. */
function pauses({ clock, pace }: Lane, count: number): number[] {
  return Array.from({ length: count }, () => {
    const ms = pace.next();
    clock.advance(ms);
    pace.attempting();
    return ms;
  });
}

/** A connection that is proven, holds for a while and is lost; the pause after it. */
function flap({ clock, pace }: Lane, heldMs: number): number {
  pace.opened();
  clock.advance(heldMs);
  const ms = pace.next();
  clock.advance(ms);
  pace.attempting();
  return ms;
}

/** Repeats the same dice for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When the lanes of a fleet are back after an outage, milliseconds after its end, in order. */
function returns(lanes: number, outageMs: number, seed: number): number[] {
  const random = dice(seed);
  return Array.from({ length: lanes }, () => {
    const lane = laneWith(random);
    while (lane.clock.monotonicMs() < outageMs) pauses(lane, 1);
    return lane.clock.monotonicMs() - outageMs;
  }).sort((a, b) => a - b);
}

const mostWithin = (moments: readonly number[], ms: number): number =>
  Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + ms).length));

describe('ReconnectPace', () => {
  it('makes the longest pause four times as long each time, up to 800 ms in a short outage', () => {
    expect(pauses(laneWith(highest), 5)).toEqual([25, 100, 400, 800, 800]);
  });

  it('goes up to the cap when the outage has lasted two seconds', () => {
    expect(pauses(laneWith(highest), 7).slice(4)).toEqual([800, 1800, 1621]);
  });

  it('spreads the first pause at the cap over the whole of it and keeps to its last tenth from then on', () => {
    expect(pauses(laneWith(highest, 200), 5)).toEqual([25, 100, 200, 181, 181]);
    expect(pauses(laneWith(lowest, 200), 5)).toEqual([1, 1, 1, 200, 200]);
  });

  it('never exceeds a cap below the first pause', () => {
    expect(Math.max(...pauses(laneWith(highest, 10), 5))).toBe(10);
  });

  it('waits at least 1 ms, however low the dice', () => {
    expect(Math.min(...pauses(laneWith(lowest), 20))).toBe(1);
  });

  it('forgets what failed as soon as a connection is proven, so that the next loss is made up for quickly', () => {
    const lane = laneWith(highest);
    pauses(lane, 8);
    expect(flap(lane, 10_000)).toBe(25);
    expect(pauses(lane, 2)).toEqual([100, 400]);
  });

  it('waits longer after every loss of a link that flaps, at last as in a long outage', () => {
    const lane = laneWith(highest);
    expect(Array.from({ length: 8 }, () => flap(lane, 60))).toEqual([
      25, 100, 400, 800, 800, 1800, 1621, 1621,
    ]);
  });

  it('forgets losses bit by bit, and wholly after ten stable seconds only', () => {
    const after = (stableMs: number) => {
      const lane = laneWith(highest);
      for (let loss = 0; loss < 50; loss += 1) flap(lane, 60);
      return flap(lane, stableMs);
    };
    expect([0, 3000, 6000, 8000, 9999, 10_000].map(after)).toEqual([1621, 1621, 800, 400, 100, 25]);
  });

  it('does not count the time between two attempts as stable', () => {
    const lane = laneWith(highest);
    for (let loss = 0; loss < 8; loss += 1) flap(lane, 60);
    lane.clock.advance(60_000);
    expect(lane.pace.next()).toBeGreaterThan(1600);
  });

  it('brings a fleet of 300 back with fewer than 40 connects in any 100 ms, over outages and dice', () => {
    const peaks = [3000, 4000, 8000, 60_000].flatMap((outageMs) =>
      [1, 2, 3, 4, 5].map((seed) => mostWithin(returns(300, outageMs, seed), 100)),
    );
    expect(Math.max(...peaks)).toBeLessThan(40);
  });

  it('is back within 0.9 s after a short outage and within the cap after a long one', () => {
    expect(returns(1000, 1300, 1).at(-1)).toBeLessThanOrEqual(900);
    expect(returns(1000, 60_000, 1).at(-1)).toBeLessThanOrEqual(1800);
  });

  it('spends the budget for the first connect and for planned attempts, not for a replaced connection', () => {
    const clock = new ManualClock();
    const budget = new ReconnectAllowance(clock).join(6);
    const pace = new ReconnectPace({ clock, capMs: 100, budget, random: () => 0 });
    for (let connect = 0; connect < 100; connect += 1) pace.attempting();
    clock.advance(pace.next());
    pace.attempting();
    const nowMs = clock.monotonicMs();
    const planned = Array.from({ length: 23 }, () => budget.plan(nowMs));
    expect(planned.filter((ms) => ms === nowMs)).toHaveLength(22);
    expect(planned.at(-1)).toBe(1050);
  });

  it('waits for the budget where the dice would not', () => {
    const clock = new ManualClock();
    const budget = new ReconnectAllowance(clock).join(1);
    for (let connect = 0; connect < 24; connect += 1) budget.spend();
    expect(new ReconnectPace({ clock, capMs: 100, budget }).next()).toBe(1050);
  });
});
