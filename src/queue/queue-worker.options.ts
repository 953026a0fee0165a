import type { Clock } from '../kernel/time.js';
import type { Outcome, Work, WorkSource } from './work-source.js';

export interface QueueWorkerOptions<W extends Work> {
  /** Stands in logs. */
  readonly name: string;
  readonly source: WorkSource<W>;
  /**
   * Does what the work asks for. It must end soon after `signal` aborts, or another worker may do it as well. What it
   * throws is a reason to try again; PermanentFailure is none.
   */
  readonly perform: (work: W, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Once for every piece of work that was taken. */
  readonly onSettled?: (outcome: Outcome) => void;
  /**
   * Stable word for an error of `perform`; no personal data. `other` says that it is none of those that were foreseen: it
   * is logged then, so it must hold no personal data either.
   */
  readonly reasonOf?: (error: unknown) => string;
  /**
   * Whether an error of `perform` says nothing about the work, because something that all work needs is away. It is then
   * given back uncounted, and after a first pause one is tried at a time until one is done.
   */
  readonly needsAreAway?: (error: unknown) => boolean;
  /** Pieces at a time. */
  readonly atOnce?: number;
  /** The source is asked when at least so many more may be begun: fewer questions, each for more. */
  readonly fewestAtOnce?: number;
  /** How long `perform` may take, milliseconds; less than the lease of the source. */
  readonly performMs?: number;
  readonly pollMs?: number;
  readonly maxAttempts?: number;
  /** Pause after the first failure, and the longest one, milliseconds; it doubles in between. */
  readonly backOff?: { readonly firstMs: number; readonly mostMs: number };
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

export const UNKNOWN_REASON = 'other';

const DEFAULTS = {
  atOnce: 4,
  fewestAtOnce: 1,
  performMs: 30_000,
  pollMs: 2000,
  maxAttempts: 10,
  backOff: { firstMs: 2000, mostMs: 900_000 },
  reasonOf: () => UNKNOWN_REASON,
  needsAreAway: () => false,
  onSettled: () => undefined,
  random: Math.random,
} as const;

export type SettledOptions<W extends Work> = Required<QueueWorkerOptions<W>>;

export function settleOptions<W extends Work>(options: QueueWorkerOptions<W>): SettledOptions<W> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...DEFAULTS, ...(given as unknown as QueueWorkerOptions<W>) };
}
