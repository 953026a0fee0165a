import type { Meter } from './counting/meter.js';
import { type LimitOutcome, UNAVAILABLE } from './counting/outcome.js';
import type { CompiledLimit } from './policies/compiled-limit.js';

/** Who decided: the shared Redis, this process alone, or this process knowing what Redis would say. */
export const BACKENDS = ['redis', 'memory', 'cache'] as const;
export type BackendName = (typeof BACKENDS)[number];

/**
 * `throttle`: denied now, a wait helps. `block`: an operator has blocked the subject, or the cost never fits.
 * `unavailable`: nobody can count, and the limit lets nobody pass uncounted.
 */
export const STATES = ['allow', 'throttle', 'block', 'unavailable'] as const;
export type RateLimitState = (typeof STATES)[number];

/** How one limit of a decision stands. */
export interface LimitStatus {
  readonly limit: CompiledLimit;
  readonly state: RateLimitState;
  /** Units left: after this decision, or untouched when it was denied. */
  readonly remaining: number;
  /** Until the limit is full again. */
  readonly resetMs: number;
  /** 0 when it had room; undefined when no wait helps. */
  readonly retryAfterMs: number | undefined;
}

/** What a decision rests on. */
export interface Grounds {
  /** Every limit that applied. */
  readonly meters: readonly Pick<Meter, 'limit' | 'field'>[];
  readonly allowed: boolean;
  /** In the order of the meters. */
  readonly outcomes: readonly LimitOutcome[];
  readonly backend: BackendName;
  /** The decision is weaker than promised: Redis is away, and this instance counts its share alone. */
  readonly degraded: boolean;
  /** Set where an operator has blocked one of the subjects. */
  readonly blockedForMs?: number;
}

/**
 * The answer to a check. Denied is an answer, not an error. There may be a hundred thousand a second, and most callers
 * look at `allowed` only, so the rest is worked out when it is asked for.
 */
export class RateLimitDecision {
  readonly allowed: boolean;
  readonly backend: BackendName;
  /** The decision is weaker than promised: Redis is away, and this instance counts its share alone. */
  readonly degraded: boolean;
  private statuses: readonly LimitStatus[] | undefined;

  constructor(private readonly grounds: Grounds) {
    this.allowed = grounds.allowed;
    this.backend = grounds.backend;
    this.degraded = grounds.degraded;
  }

  /** @internal */
  get meters(): Grounds['meters'] {
    return this.grounds.meters;
  }

  /** @internal */
  get outcomes(): readonly LimitOutcome[] {
    return this.grounds.outcomes;
  }

  /** An operator has blocked one of the subjects. */
  get blocked(): boolean {
    return this.grounds.blockedForMs !== undefined;
  }

  get state(): RateLimitState {
    if (this.allowed) return 'allow';
    let state: RateLimitState = 'throttle';
    for (const status of this.limits) {
      if (status.state === 'block') return 'block';
      if (status.state === 'unavailable') state = status.state;
    }
    return state;
  }

  /** Until a further try makes sense; 0 when it was allowed, undefined when no wait helps. */
  get retryAfterMs(): number | undefined {
    let longest = 0;
    for (const { state, retryAfterMs } of this.allowed ? [] : this.limits) {
      if (state !== 'allow' && retryAfterMs === undefined) return undefined;
      longest = Math.max(longest, retryAfterMs ?? 0);
    }
    return longest;
  }

  /** Every limit that applied, in the order of the policies. Empty where none did. */
  get limits(): readonly LimitStatus[] {
    return (this.statuses ??= this.meters.map(({ limit }, at) =>
      statusOf(limit, this.outcomes[at] as LimitOutcome, this.grounds.blockedForMs),
    ));
  }
}

/** No limit applies to this one. */
export const NOTHING_APPLIES = new RateLimitDecision({
  meters: [],
  allowed: true,
  outcomes: [],
  backend: 'memory',
  degraded: false,
});

function statusOf(limit: CompiledLimit, outcome: LimitOutcome, blockedForMs?: number): LimitStatus {
  const { remaining, resetUs, waitUs } = outcome;
  const resetMs = Math.ceil(resetUs / 1000);
  if (blockedForMs !== undefined)
    return { limit, state: 'block', remaining, resetMs, retryAfterMs: Math.ceil(blockedForMs) };
  const retryAfterMs = waitUs < 0 ? undefined : Math.ceil(waitUs / 1000);
  return { limit, state: stateOf(outcome), remaining, resetMs, retryAfterMs };
}

export function stateOf(outcome: LimitOutcome): RateLimitState {
  if (outcome === UNAVAILABLE) return 'unavailable';
  if (outcome.waitUs === 0) return 'allow';
  return outcome.waitUs < 0 ? 'block' : 'throttle';
}
