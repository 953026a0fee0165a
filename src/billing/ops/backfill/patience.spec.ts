import { describe, expect, it } from 'vitest';
import { pauseMs, retryAfterMs } from './patience.js';

describe('patience', () => {
  it('doubles up to half a minute, and leaves half of it to chance', () => {
    expect([1, 2, 3, 7, 100].map((tries) => pauseMs(tries, undefined, 0.999_999))).toEqual([
      500, 1000, 2000, 30_000, 30_000,
    ]);
    expect(pauseMs(3, undefined, 0)).toBe(1000);
  });

  it('waits as long as it is asked to, at most two minutes', () => {
    expect(pauseMs(1, 7000, 0)).toBe(7000);
    expect(pauseMs(1, 0, 0)).toBe(0);
    expect(pauseMs(1, 86_400_000, 0)).toBe(120_000);
  });

  it.each([
    ['2', 2000],
    [' 0.5 ', 500],
    ['Tue, 14 Nov 2023 22:13:25 GMT', 5000],
    ['Tue, 14 Nov 2000 22:13:25 GMT', 0],
    ['soon', undefined],
    ['-1e999', undefined],
    ['99999999999999999999', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads Retry-After %j as %j', (text, ms) => {
    expect(retryAfterMs(text, 1_700_000_000_000)).toBe(ms);
  });
});
