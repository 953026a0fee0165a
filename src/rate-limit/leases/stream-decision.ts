import type { BackendName, RateLimitDecision, RateLimitState } from '../decision.js';
import type { ConcurrentLimit } from './compiled-quota.js';
import type { SeatOutcome } from './leases.js';

/** How one limit of a stream quota stands. */
export interface StreamLimitStatus extends SeatOutcome {
  readonly limit: ConcurrentLimit;
}

/** The answer to whether a stream may be opened. Denied is an answer, not an error. */
export interface StreamDecision {
  readonly allowed: boolean;
  readonly state: RateLimitState;
  /** Who decided. */
  readonly backend: BackendName;
  /** Weaker than promised: Redis is away, and this instance counts its share alone. */
  readonly degraded: boolean;
  /** Until a further try may make sense, milliseconds; 0 when it was allowed, undefined when no wait helps. */
  readonly retryAfterMs: number | undefined;
  /** What the quota's policy for opening streams said; undefined where it has none. */
  readonly connects: RateLimitDecision | undefined;
  /** Every limit on open streams that applied; empty where `connects` denied it already. */
  readonly limits: readonly StreamLimitStatus[];
}

/** A stream that is open and counted. */
export interface StreamLease {
  readonly id: string;
  /** The stream has ended. Harmless when it has been said before. */
  readonly close: () => void;
}

export type StreamOpening =
  | { readonly allowed: true; readonly lease: StreamLease; readonly decision: StreamDecision }
  | { readonly allowed: false; readonly lease?: undefined; readonly decision: StreamDecision };
