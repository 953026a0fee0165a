import { type EntryId, parseEntryId } from './entry-id.js';

/** Where a client of one tenant stands: the last entry that it has, and that entry's number among the tenant's. */
export interface Cursor {
  readonly entryId: EntryId;
  /** From 1; 0: before the first. */
  readonly sequence: number;
}

const CURSOR = /^(\d{1,20}-\d{1,20})\.(0|[1-9]\d{0,15})$/;

/** @returns undefined for what is no cursor of ours */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  const entryId = match && parseEntryId(match[1] as string);
  const sequence = Number(match?.[2]);
  return entryId && Number.isSafeInteger(sequence) ? { entryId, sequence } : undefined;
}

/** `<ms>-<seq>.<number>`, as `id:` of the event stream and as cursor of the history. */
export function formatCursor({ entryId, sequence }: Cursor): string {
  return `${entryId}.${sequence}`;
}
