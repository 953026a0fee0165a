import { AsyncLocalStorage } from 'node:async_hooks';

/** What one request has used so far; written by the lower floors, read once by the request log. */
export interface RequestRecord {
  readonly requestId: string;
  /** Which backend decided the rate limit: `redis`, `memory`, `cache`. */
  rlBackend?: string;
  /** `allow`, `throttle`, `block` or `unavailable`. */
  rateLimitState?: string;
  /** The policy that decided: the one that denied, or the one with the least left. */
  rateLimitPolicy?: string;
  /** The decision was weaker than promised. */
  rateLimitDegraded?: boolean;
  /** Who sent it, by a token that was verified. */
  userId?: string;
  sessionId?: string;
  tenantId?: string;
  /** Why it was not let in: `missing`, `expired`, `unknown-session` … */
  accessDenied?: string;
  /** Calls and milliseconds per purpose. */
  readonly redis: Record<string, { calls: number; ms: number }>;
}

/** The record of the request that the current code runs for; undefined outside a request. */
export const requestContext = new AsyncLocalStorage<RequestRecord>();

/** A call to Redis that was made for a request has ended. @param ms since it was made */
export function noteUsage(record: RequestRecord, purpose: string, ms: number): void {
  const usage = (record.redis[purpose] ??= { calls: 0, ms: 0 });
  usage.calls += 1;
  usage.ms += ms;
}
