/** `stopped`: it can be gone on with, as one can whose process died, which says `running` and has no lock. */
export const BACKFILL_STATES = ['running', 'done', 'stopped', 'failed'] as const;
export type BackfillState = (typeof BACKFILL_STATES)[number];

/** One backfill, as it is written down with every page. Counts are those of all its attempts. */
export interface BackfillRecord {
  readonly id: string;
  readonly state: BackfillState;
  /** `created` of the events that are fetched, seconds since the epoch, both inclusive. */
  readonly fromS: number;
  readonly toS: number;
  /** It goes on from where the last one ended, and the next one from where it ends. */
  readonly continuous: boolean;
  /** Last event that was handed on; undefined before the first. */
  readonly at?: { readonly id: string; readonly created: number };
  readonly pages: number;
  readonly taken: number;
  readonly duplicates: number;
  readonly refused: number;
  /** Some of the refused ones, the first. */
  readonly refusedIds: readonly string[];
  /** Host and process. */
  readonly owner: string;
  readonly startedMs: number;
  readonly updatedMs: number;
  /** Why it failed; for people. */
  readonly reason?: string;
}

/** Up to where everything was fetched. */
export interface BackfillHead {
  /** `created`, seconds since the epoch. */
  readonly createdS: number;
}

const MOST_REFUSED_IDS = 10;
/** No date is later, milliseconds since the epoch. */
const LATEST_MS = 8.64e15;

/** @returns undefined for what is no record of ours */
export function readRecord(text: string | null): BackfillRecord | undefined {
  const value = fieldsOf(text);
  const numbers = ['pages', 'taken', 'duplicates', 'refused'];
  const sound =
    value &&
    typeof value['id'] === 'string' &&
    (BACKFILL_STATES as readonly unknown[]).includes(value['state']) &&
    typeof value['continuous'] === 'boolean' &&
    Array.isArray(value['refusedIds']) &&
    typeof value['owner'] === 'string' &&
    numbers.every((name) => Number.isSafeInteger(value[name])) &&
    ['fromS', 'toS'].every((name) => isMoment(value[name], 1000)) &&
    ['startedMs', 'updatedMs'].every((name) => isMoment(value[name], 1)) &&
    isPlace(value['at']);
  return sound ? (value as unknown as BackfillRecord) : undefined;
}

/** @returns undefined for what is no head of ours */
export function readHead(text: string | null): BackfillHead | undefined {
  const createdS = fieldsOf(text)?.['createdS'];
  return isMoment(createdS, 1000) ? { createdS } : undefined;
}

function isMoment(value: unknown, unitMs: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LATEST_MS / unitMs;
}

/** How much of the range is done, 0 to 1: the list has no total, so time has to stand in. */
export function progressOf({ state, fromS, toS, at }: BackfillRecord): number {
  if (state === 'done') return 1;
  if (!at || toS <= fromS) return 0;
  return Math.min(1, Math.max(0, (at.created - fromS) / (toS - fromS)));
}

/** A further page was handed on. What is read again for the overlap does not set it back. */
export function withPage(
  record: BackfillRecord,
  page: { readonly taken: number; readonly duplicates: number; readonly refused: number },
  at: { readonly id: string; readonly created: number },
): BackfillRecord {
  return {
    ...record,
    at: record.at && record.at.created > at.created ? record.at : { id: at.id, created: at.created },
    pages: record.pages + 1,
    taken: record.taken + page.taken,
    duplicates: record.duplicates + page.duplicates,
    refused: record.refused + page.refused,
  };
}

export function withRefused(ids: readonly string[], id: string): readonly string[] {
  return ids.length < MOST_REFUSED_IDS && !ids.includes(id) ? [...ids, id] : ids;
}

function isPlace(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { id, created } = value as Record<string, unknown>;
  return typeof id === 'string' && isMoment(created, 1000);
}

function fieldsOf(text: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
