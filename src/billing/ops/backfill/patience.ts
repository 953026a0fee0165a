/** How long somebody waits who is asked to come again, and for how often. */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** Of Retry-After: whoever asks for more is asked again after this. */
const LONGEST_ASKED_MS = 120_000;

/**
 * The pause before the next try, milliseconds: what was asked for, or else doubled with every try; a part of it is left
 * to chance, so that several who were turned away do not come back as one.
 *
 * @param tries that have failed in a row, from 1
 * @param askedMs of Retry-After
 * @param random from 0 to 1, without 1
 */
export function pauseMs(tries: number, askedMs: number | undefined, random: number): number {
  if (askedMs !== undefined) return Math.min(askedMs, LONGEST_ASKED_MS) + Math.round(random * 250);
  const ceilingMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  return Math.round(ceilingMs * (0.5 + 0.5 * random));
}

/**
 * Retry-After in milliseconds: seconds, or a date.
 *
 * @returns undefined where it is neither
 */
export function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\s*\d{1,9}(?:\.\d{1,3})?\s*$/.test(text)) return Math.ceil(Number(text) * 1000);
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
