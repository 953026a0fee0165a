import { describe, expect, it } from 'vitest';
import { compileLimit } from './compiled-limit.js';
import type { LimitRow, Policy } from './policy.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 86_400 * SECOND_MS;

function compiled(row: LimitRow, policy: Partial<Policy> = {}, name = 'p') {
  return compileLimit(name, { limits: [row], ...policy }, row);
}
const rate = (quota: number, windowMs: number, burst = quota): LimitRow => ({
  per: 'ip',
  quota,
  windowMs,
  burst,
});
const windowed = (quota: number, windowMs: number): LimitRow => ({
  kind: 'window',
  per: 'ip',
  quota,
  windowMs,
});

describe('A compiled limit', () => {
  it.each([
    ['300 a minute', rate(300, MINUTE_MS, 60), { periodUs: 200_000, capacity: 12_000_000 }],
    ['7 a second, rounded up', rate(7, SECOND_MS), { periodUs: 142_858, capacity: 1_000_006 }],
    ['1000 a millisecond', rate(1000, 1), { periodUs: 1, capacity: 1000 }],
    ['1 in 35 days', rate(1, 35 * DAY_MS), { periodUs: 35 * DAY_MS * 1000, capacity: 35 * DAY_MS * 1000 }],
    ['10 in a window of a minute', windowed(10, MINUTE_MS), { periodUs: MINUTE_MS * 1000, capacity: 10 }],
    ['parts of a millisecond', windowed(10, 1.5), { periodUs: 1500, capacity: 10 }],
  ])('counts in microseconds: %s', (_what, row, expected) => expect(compiled(row)).toMatchObject(expected));

  it('never lets more pass than the quota where that does not divide its window', () => {
    for (let quota = 1; quota <= 2000; quota += 1) {
      const { periodUs } = compiled(rate(quota, SECOND_MS, 1));
      expect(periodUs * quota).toBeGreaterThanOrEqual(SECOND_MS * 1000);
    }
  });

  it.each([
    ['a second', rate(10, SECOND_MS), 60],
    ['just a minute', rate(1, MINUTE_MS), 60],
    ['a minute and a bit, because of the rounding', rate(7, MINUTE_MS), 600],
    ['a burst, not the window', rate(3600, 3600 * SECOND_MS, 60), 60],
    ['two windows', windowed(5, 30 * SECOND_MS), 60],
    ['two windows and a bit', windowed(5, 30_001), 600],
    ['ten minutes', rate(1, 10 * MINUTE_MS), 600],
    ['two hours', rate(1, 120 * MINUTE_MS), 7200],
    ['a day', rate(1, DAY_MS), 86_400],
    ['two windows of a day', windowed(1, DAY_MS), 604_800],
    ['eight days', rate(1, 8 * DAY_MS), 6_048_000],
    ['the longest window', windowed(1, 35 * DAY_MS), 6_048_000],
  ])('keeps its states in the shortest generation that outlasts %s', (_what, row, seconds) =>
    expect(compiled(row).generationUs).toBe(seconds * 1e6),
  );

  it('is a whole number of seconds even beyond the ladder, so that its key has no fraction', () => {
    const { generationUs, capacity } = compiled(rate(3, 90 * DAY_MS + 1));
    expect(generationUs).toBeGreaterThanOrEqual(capacity);
    expect(Number.isSafeInteger(generationUs)).toBe(true);
  });

  it('has a tag that is its own, and the same on every instance', () => {
    const tags = [
      compiled(rate(10, SECOND_MS)).tag,
      compiled(rate(10, SECOND_MS), {}, 'q').tag,
      compiled({ ...rate(10, SECOND_MS), name: 'other' }).tag,
      compiled(windowed(10, SECOND_MS)).tag,
    ];
    expect(new Set(tags).size).toBe(4);
    for (const tag of tags) expect(tag).toMatch(/^[\w-]{4}$/);
    // Other numbers are the same limit: what was counted before a deployment still counts.
    expect(compiled(rate(20, SECOND_MS)).tag).toBe(tags[0]);
  });

  it('carries what its policy says about outages, credentials and failures', () => {
    expect(compiled(rate(1, SECOND_MS))).toMatchObject({
      outage: 'local',
      credential: false,
      remembersDenials: true,
    });
    expect(
      compiled({ ...rate(1, SECOND_MS), outage: 'deny' }, { credential: true, counts: 'failures' }),
    ).toMatchObject({ outage: 'deny', credential: true, remembersDenials: false });
  });
});
