import type { Meter } from './meter.js';
import type { Cost, LimitOutcome, Operation } from './outcome.js';

/** What Redis is asked. It is told the answer by a call, not a promise: there may be a hundred thousand a second. */
export interface Question {
  readonly operation: Operation;
  readonly meters: readonly Meter[];
  readonly cost: Cost;
  /** @param outcomes in the order of the meters */
  answered(allowed: boolean, outcomes: readonly LimitOutcome[], nowMs: number): void;
  /**
   * Must not throw: others wait behind it.
   *
   * @param error RedisUnavailableError or RedisCommandError: nothing is known about the limits; else what `answered` threw
   */
  failed(error: unknown, nowMs: number): void;
}
