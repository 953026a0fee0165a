import { describe, expect, it } from 'vitest';
import type { EntryId } from '../log/entry-id.js';
import type { LogEntry } from '../log/log-entry.js';
import { eventPosition } from './event-position.js';

const DAY_S = 86_400;
const NOW_MS = 1_700_000_000_000;

function at(id: EntryId, createdS: number, replayed = false): string {
  return eventPosition({ id, createdS, replayed } as LogEntry);
}

/** From the event that gives way to the one that holds. */
const RISING: readonly (readonly [what: string, position: string])[] = [
  ['an old event', at(`${NOW_MS}-9`, 1000)],
  ['a newer one, told again', at(`${NOW_MS + 5000}-0`, 2000, true)],
  ['the same second, told again later', at(`${NOW_MS + 6000}-0`, 2000, true)],
  ['the same second, told first', at(`${NOW_MS}-0`, 2000)],
  ['the same second and millisecond, behind it in the log', at(`${NOW_MS}-1`, 2000)],
  ['ten behind it', at(`${NOW_MS}-10`, 2000)],
  ['the same second, a shorter id far behind', at(`${NOW_MS + 1}-0`, 2000)],
  ['the next second, before all of them in the log', at('1-1', 2001)],
  ['the largest id', at('18446744073709551615-18446744073709551615', 2001)],
];

describe('the place of an event among those of its object', () => {
  it.each(RISING.slice(1).map(([what, position], index) => [what, position, index] as const))(
    '%s stands behind the one before',
    (_what, position, index) => {
      expect(position > (RISING[index]?.[1] ?? '')).toBe(true);
    },
  );

  it('has one length, whatever is in it, so that texts compare as numbers do', () => {
    expect(new Set(RISING.map(([, position]) => position.length))).toEqual(new Set([57]));
    expect(at('0-0', Number.MAX_SAFE_INTEGER)).toHaveLength(57);
  });

  it('is at most a day ahead of the log: an event of the year 9999 holds for a day, not for ever', () => {
    const far = at(`${NOW_MS}-0`, 253_402_300_799);
    expect(far > at(`${NOW_MS}-1`, NOW_MS / 1000 + DAY_S - 1)).toBe(true);
    expect(far < at(`${NOW_MS + 2000 * DAY_S}-0`, NOW_MS / 1000 + DAY_S + 1)).toBe(true);
  });
});
