import { SelectionError } from './ops.errors.js';

/**
 * A moment that somebody wrote, milliseconds since the epoch.
 *
 * @throws SelectionError where it is none
 */
export function millisecondsOf(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || ms < 0 || !/^\d{4}-\d{2}/.test(text))
    throw new SelectionError('A moment is written as ISO 8601, such as 2026-11-20T08:00:00Z.');
  return ms;
}

/** As millisecondsOf, in whole seconds. @throws SelectionError */
export function secondsOf(text: string | null | undefined): number | undefined {
  const ms = millisecondsOf(text);
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
