import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { FIRST_REST_MS, HOLD_MS, PromotionHold } from './promotion-hold.js';

describe('PromotionHold', () => {
  let clock: ManualClock;
  let hold: PromotionHold;
  beforeEach(() => {
    clock = new ManualClock();
    hold = new PromotionHold(clock);
  });

  it('counts until it runs out', () => {
    expect(hold.begin('a')).toBe(true);
    clock.advance(HOLD_MS - 1);
    expect(hold.counts(['a', 'b'])).toBe(true);
    clock.advance(1);
    expect(hold.counts(['a', 'b'])).toBe(false);
  });

  it('counts only while the Sentinel that announced it answers', () => {
    hold.begin('a');
    expect(hold.counts(['b', 'c'])).toBe(false);
    expect(hold.counts(['a'])).toBe(true);
  });

  it('is not prolonged by another announcement', () => {
    hold.begin('a');
    clock.advance(HOLD_MS - 1);
    expect([hold.begin('a'), hold.begin('b')]).toEqual([false, false]);
    clock.advance(1);
    expect(hold.counts(['a', 'b'])).toBe(false);
  });

  it('ends when its Sentinel gives up, and when no other does', () => {
    hold.begin('a');
    hold.gaveUp('b');
    expect(hold.counts(['a'])).toBe(true);
    hold.gaveUp('a');
    expect(hold.counts(['a'])).toBe(false);
  });

  it('rests after a promotion that came to nothing, for that Sentinel only', () => {
    hold.begin('a');
    clock.advance(HOLD_MS + FIRST_REST_MS - 1);
    expect(hold.begin('a')).toBe(false);
    expect(hold.begin('b')).toBe(true);
    hold.gaveUp('b');
    clock.advance(1);
    expect(hold.begin('a')).toBe(true);
  });

  it('denies a twelfth of an hour at most to a Sentinel that announces for ever', () => {
    let heldMs = 0;
    for (let second = 0; second < 3600; second += 1) {
      hold.begin('a');
      if (hold.counts(['a'])) heldMs += 1000;
      clock.advance(1000);
    }
    expect(heldMs).toBeGreaterThan(0);
    expect(heldMs).toBeLessThanOrEqual(3_600_000 / 12);
  });

  it('listens at once again to a Sentinel whose promotion was one', () => {
    hold.begin('a');
    hold.fulfilled();
    expect(hold.counts(['a'])).toBe(false);
    expect(hold.begin('a')).toBe(true);
  });
});
