/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = {};

/** Fields of a value that should be an object; none where it is not. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NONE;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @returns null for anything but a text with something in it */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** @returns null for anything but a number that JSON can say */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Of an object that Stripe gives as its id or, expanded, as itself. */
export function idOf(value: unknown): string | null {
  return textOf(value) ?? textOf(fieldsOf(value)['id']);
}

/** The last millisecond that a date can be. */
const LATEST_MS = 8.64e15;

/** The lines of one invoice, and events of one time, say the same few moments again and again. */
const moments = new Map<number, string>();
const MOST_MOMENTS = 256;

/** Seconds since the epoch as ISO 8601; null where there is no such moment. */
export function momentOf(seconds: unknown): string | null {
  const ms = (numberOf(seconds) ?? NaN) * 1000;
  if (!(Math.abs(ms) <= LATEST_MS)) return null;
  const known = moments.get(ms);
  if (known !== undefined) return known;
  const text = new Date(ms).toISOString();
  if (moments.size >= MOST_MOMENTS) moments.clear();
  moments.set(ms, text);
  return text;
}
