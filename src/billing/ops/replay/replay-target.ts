import type { LogEntry } from '../../log/log-entry.js';

/** Where events are told again. */
export const REPLAY_TARGETS = ['projector', 'stream', 'assign'] as const;
export type ReplayTarget = (typeof REPLAY_TARGETS)[number];

/** The name of all replays that give events to tenants: it is done once for each event. */
export const ASSIGNMENT = 'assign';

/** How often each result came. */
export type Outcomes = Readonly<Record<string, number>>;

/** What a replay does with a page of entries. */
export interface ReplayWork {
  /**
   * Of the log, which may hold an event several times: the entries that stand for theirs.
   *
   * @throws RedisUnavailableError
   */
  choose(entries: readonly LogEntry[]): Promise<readonly LogEntry[]>;
  /**
   * @param entries oldest first
   * @returns a word for each of them, in their order
   * @throws RedisUnavailableError, DatabaseUnavailableError; some may be done then
   */
  perform(entries: readonly LogEntry[]): Promise<readonly string[]>;
  /** What `perform` would do with them. Changes nothing. */
  preview(entries: readonly LogEntry[]): Promise<readonly string[]>;
}

export function addOutcomes(a: Outcomes, b: Outcomes): Outcomes {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export function countOf(results: readonly string[]): Outcomes {
  return results.reduce<Outcomes>((sum, result) => addOutcomes(sum, { [result]: 1 }), {});
}
