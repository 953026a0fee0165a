import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { ReconnectPace } from './reconnect-pace.js';

const almostOne = 1 - Number.EPSILON;

function paceOf(capMs: number, random: () => number) {
  const clock = new ManualClock();
  return { clock, pace: new ReconnectPace(clock, capMs, random) };
}

const take = (pace: ReconnectPace, count: number): number[] =>
  Array.from({ length: count }, () => pace.next());

describe('ReconnectPace', () => {
  it('doubles the longest pause from 25 ms up to the cap and stays there', () => {
    const { pace } = paceOf(1000, () => almostOne);
    expect(take(pace, 9)).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000, 1000]);
  });

  it('never exceeds a cap below the first pause', () => {
    const { pace } = paceOf(10, () => almostOne);
    expect(take(pace, 3)).toEqual([10, 10, 10]);
  });

  it('waits at least 1 ms, however low the dice', () => {
    const { pace } = paceOf(1000, () => 0);
    expect(take(pace, 50).every((ms) => ms === 1)).toBe(true);
  });

  it('spreads a fleet over the whole pause', () => {
    const fleet = Array.from({ length: 1000 }, (_, index) => {
      const { pace } = paceOf(1000, () => index / 1000);
      return take(pace, 8).at(-1) ?? 0;
    });
    expect(new Set(fleet).size).toBe(1000);
    expect(Math.min(...fleet)).toBe(1);
    expect(Math.max(...fleet)).toBe(1000);
  });

  it('counts on after thousands of attempts', () => {
    const { pace } = paceOf(1000, () => almostOne);
    expect(take(pace, 5000).at(-1)).toBe(1000);
  });

  it('begins anew after a connection that held for ten seconds', () => {
    const { clock, pace } = paceOf(1000, () => almostOne);
    take(pace, 8);
    pace.opened();
    clock.advance(10_000);
    expect(take(pace, 2)).toEqual([25, 50]);
  });

  it('does not begin anew for a link that flaps', () => {
    const { clock, pace } = paceOf(1000, () => almostOne);
    take(pace, 8);
    for (let flap = 0; flap < 5; flap += 1) {
      pace.opened();
      clock.advance(9999);
      expect(pace.next()).toBe(1000);
    }
  });

  it('does not count the time between two attempts as stable', () => {
    const { clock, pace } = paceOf(1000, () => almostOne);
    take(pace, 8);
    pace.opened();
    clock.advance(1000);
    pace.next();
    clock.advance(60_000);
    expect(pace.next()).toBe(1000);
  });
});
