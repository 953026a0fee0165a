/** `<milliseconds>-<sequence>`, both unsigned 64-bit decimals: the id of an entry of a Redis Stream. */
export type EntryId = `${string}-${string}`;

/** Before every entry. */
export const ORIGIN: EntryId = '0-0';
/** No entry can come after this one. */
export const NEWEST: EntryId = '18446744073709551615-18446744073709551615';

const ENTRY_ID = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/;
const MOST = 2n ** 64n - 1n;

/** @returns undefined for what Redis would not take as the id of an entry */
export function parseEntryId(text: string): EntryId | undefined {
  const match = ENTRY_ID.exec(text);
  if (!match) return undefined;
  return BigInt(match[1] as string) > MOST || BigInt(match[2] as string) > MOST
    ? undefined
    : (text as EntryId);
}

/** Below 0 where `a` is older, above 0 where it is newer. Decimals without leading zeros compare by length first. */
export function compareEntryIds(a: EntryId, b: EntryId): number {
  const [aMs, aSeq] = a.split('-') as [string, string];
  const [bMs, bSeq] = b.split('-') as [string, string];
  return compareDecimals(aMs, bMs) || compareDecimals(aSeq, bSeq);
}

function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
