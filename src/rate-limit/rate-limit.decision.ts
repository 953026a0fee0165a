import type { LimitOutcome } from './gcra.js';
import type { BackendDecision, BackendName } from './rate-limit.backend.js';
import type { Policy } from './rate-limit.policies.js';

/** `throttle`: denied now, a wait helps. `block`: denied, and no wait will help. */
export const STATES = ['allow', 'throttle', 'block'] as const;
export type RateLimitState = (typeof STATES)[number];

/** How one limit of a check stands. */
export interface LimitStatus {
  readonly name: string;
  readonly policy: Policy;
  readonly state: RateLimitState;
  /** Units left: after this check, or untouched when it was denied. */
  readonly remaining: number;
  /** Until the limit is full again. */
  readonly resetMs: number;
  /** 0 when it had room; undefined when no wait helps. */
  readonly retryAfterMs: number | undefined;
}

/** The answer to a check. Denied is an answer, not an error. */
export interface RateLimitDecision {
  readonly allowed: boolean;
  readonly state: RateLimitState;
  /** The limit that decided: denied, the one to be waited for longest; allowed, the one with least left. */
  readonly limit: string;
  /** Of that limit. */
  readonly remaining: number;
  readonly resetMs: number;
  readonly retryAfterMs: number | undefined;
  readonly backend: BackendName;
  /** The decision is weaker than promised: see `backend`. */
  readonly degraded: boolean;
  /** Every limit of the check, in its order. */
  readonly limits: readonly LimitStatus[];
}

export function decisionOf(
  policies: readonly (readonly [name: string, policy: Policy])[],
  { allowed, outcomes, backend, degraded }: BackendDecision,
): RateLimitDecision {
  const limits = policies.map(([name, policy], at) => statusOf(name, policy, outcomes[at]));
  const decisive = limits.reduce((one, other) => (precedes(other, one) ? other : one));
  const { state, remaining, resetMs, retryAfterMs } = decisive;
  return {
    allowed,
    state,
    limit: decisive.name,
    remaining,
    resetMs,
    retryAfterMs,
    backend,
    degraded,
    limits,
  };
}

function statusOf(name: string, policy: Policy, outcome: LimitOutcome | undefined): LimitStatus {
  if (!outcome) throw new Error(`The backend said nothing about the limit "${name}"`);
  const { remaining, resetUs, waitUs } = outcome;
  const state = waitUs === 0 ? 'allow' : waitUs < 0 ? 'block' : 'throttle';
  const retryAfterMs = state === 'block' ? undefined : Math.ceil(waitUs / 1000);
  return { name, policy, state, remaining, resetMs: Math.ceil(resetUs / 1000), retryAfterMs };
}

/** Whether the first limit says more about the decision than the second. */
function precedes(one: LimitStatus, other: LimitStatus): boolean {
  const wait = (limit: LimitStatus): number => limit.retryAfterMs ?? Infinity;
  return wait(one) === wait(other) ? one.remaining < other.remaining : wait(one) > wait(other);
}
