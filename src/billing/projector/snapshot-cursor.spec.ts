import { describe, expect, it } from 'vitest';
import type { GroupPosition } from '../../queue/index.js';
import { appliedUpTo } from './snapshot-cursor.js';

const MOST = '18446744073709551615';

const position = (lastGiven?: string, oldestPending?: string): GroupPosition => ({
  nowMs: 0,
  length: 0,
  lag: 0,
  pending: 0,
  oldest: undefined,
  lastGiven,
  oldestPending,
  oldestWaiting: undefined,
});

describe('up to where everything is applied', () => {
  it.each([
    ['nothing, where there is no group', undefined, undefined, '0-0'],
    ['the last that was given, where nothing is pending', '7-3', undefined, '7-3'],
    ['just before the oldest that is pending', '7-3', '6-0', `5-${MOST}`],
    ['the last that was given, where the group was moved back behind what is pending', '4-0', '6-0', '4-0'],
  ])('it is %s', (_what, given, pending, expected) => {
    expect(appliedUpTo(position(given, pending))).toBe(expected);
  });
});
