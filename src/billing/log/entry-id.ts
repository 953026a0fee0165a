/** `<milliseconds>-<sequence>`, both unsigned 64-bit decimals: the id of an entry of a Redis Stream. */
export type EntryId = `${string}-${string}`;

/** Before every entry. */
export const ORIGIN: EntryId = '0-0';
/** No entry can come after this one. */
export const NEWEST: EntryId = '18446744073709551615-18446744073709551615';

const ENTRY_ID = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/;
const MOST = 2n ** 64n - 1n;
const MOST_DIGITS = 20;

/** @returns undefined for what Redis would not take as the id of an entry */
export function parseEntryId(text: string): EntryId | undefined {
  const match = ENTRY_ID.exec(text);
  if (!match) return undefined;
  return isTooLarge(match[1] as string) || isTooLarge(match[2] as string) ? undefined : (text as EntryId);
}

/** Below 0 where `a` is older, above 0 where it is newer. Decimals without leading zeros compare by length first. */
export function compareEntryIds(a: EntryId, b: EntryId): number {
  const [aMs, aSeq] = a.split('-') as [string, string];
  const [bMs, bSeq] = b.split('-') as [string, string];
  return compareDecimals(aMs, bMs) || compareDecimals(aSeq, bSeq);
}

/** The newer one. */
export function laterId(a: EntryId, b: EntryId): EntryId {
  return compareEntryIds(a, b) >= 0 ? a : b;
}

export function idBefore(id: EntryId): EntryId {
  const [ms, sequence] = parts(id);
  if (sequence > 0n) return `${ms}-${sequence - 1n}`;
  return ms > 0n ? `${ms - 1n}-${MOST}` : ORIGIN;
}

export function idAfter(id: EntryId): EntryId {
  const [ms, sequence] = parts(id);
  if (sequence < MOST) return `${ms}-${sequence + 1n}`;
  return ms < MOST ? `${ms + 1n}-0` : id;
}

/** Of at most twenty digits: fewer than twenty are always less. */
function isTooLarge(digits: string): boolean {
  return digits.length === MOST_DIGITS && BigInt(digits) > MOST;
}

function parts(id: EntryId): [bigint, bigint] {
  const [ms, sequence] = id.split('-') as [string, string];
  return [BigInt(ms), BigInt(sequence)];
}

function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
