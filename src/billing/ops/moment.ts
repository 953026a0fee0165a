import { isISO8601 } from 'class-validator';
import { SelectionError } from './ops.errors.js';

/** A day is of UTC; what has a time and no zone would be of whatever zone the machine is in. */
const SOUND = /^\d{4}-\d{2}(?:-\d{2}(?:T.+(?:Z|[+-]\d{2}:?\d{2}))?)?$/;

/**
 * A moment that somebody wrote, milliseconds since the epoch.
 *
 * @param name of the option or field that it was written in, for the error
 * @throws SelectionError where it is none
 */
export function millisecondsOf(text: string | null | undefined, name: string): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = SOUND.test(text) && isISO8601(text, { strict: true }) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || ms < 0)
    throw new SelectionError(
      `${name} is no moment since 1970: write it as ISO 8601, a day such as 2026-11-20 (which begins at midnight UTC), or a ` +
        'time with its zone such as 2026-11-20T08:00:00Z.',
    );
  return ms;
}

/** As millisecondsOf, in whole seconds. @throws SelectionError */
export function secondsOf(text: string | null | undefined, name: string): number | undefined {
  const ms = millisecondsOf(text, name);
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
