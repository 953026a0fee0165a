import { AppError } from '../../kernel/errors.js';
import type { RateLimitDecision, RateLimitState } from '../decision.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { type RequestNote, requestNote } from './request-note.js';

interface DenialKind {
  readonly code: string;
  readonly status: number;
  readonly slug: string;
  readonly title: string;
  readonly detail: (names: string) => string;
}

/** The problem types of the draft that defines the headers. */
const KINDS = {
  quota: {
    code: 'RATE_LIMIT_EXCEEDED',
    status: 429,
    slug: 'quota-exceeded',
    title: 'Too many requests',
    detail: (names) => `The limit ${names} is exceeded.`,
  },
  capacity: {
    code: 'RATE_LIMIT_UNAVAILABLE',
    status: 503,
    slug: 'temporary-reduced-capacity',
    title: 'Temporarily reduced capacity',
    detail: (names) => `The limit ${names} cannot be counted at present, and nobody passes uncounted.`,
  },
  abuse: {
    code: 'RATE_LIMIT_BLOCKED',
    status: 429,
    slug: 'abnormal-usage-detected',
    title: 'Abnormal usage detected',
    detail: () => 'An operator has blocked this client for a while.',
  },
} as const satisfies Record<string, DenialKind>;

/** How a denied decision is told to a caller: 429, or 503 where nobody can count. */
export class RateLimitExceededError extends AppError {
  readonly code: string;
  readonly status: number;
  readonly slug: string;
  readonly title: string;
  override readonly retryAfterMs: number;
  private readonly violated: readonly string[];

  constructor(readonly decision: RateLimitDecision) {
    const kind: DenialKind = kindOf(decision);
    const violated = violatedLimits(decision);
    super(kind.detail(`"${violated.join('", "')}"`));
    this.violated = violated;
    this.code = kind.code;
    this.status = kind.status;
    this.slug = kind.slug;
    this.title = kind.title;
    this.retryAfterMs = denialRetryAfterMs(decision);
  }

  override get extensions(): Record<string, unknown> {
    return { 'violated-policies': this.violated };
  }

  /** Whoever threw it, the line of the request says what denied it. */
  override get record(): RequestNote {
    return requestNote(this.decision);
  }

  override get headers(): Record<string, string> {
    return rateLimitHeaders(this.decision);
  }
}

/** One text for all denials whose problem documents differ in the occurrence only. */
export function denialKey(decision: RateLimitDecision): string {
  let key = decision.blocked ? 'blocked' : decision.state;
  const { meters, outcomes } = decision;
  for (let at = 0; at < meters.length; at += 1) {
    if (decision.blocked || outcomes[at]?.waitUs !== 0) key += ` ${meters[at]?.limit.name}`;
  }
  return key;
}

/** When a further try makes sense; where no wait helps, once per window is often enough to find that out. */
export function denialRetryAfterMs(decision: RateLimitDecision): number {
  const { retryAfterMs } = decision;
  if (retryAfterMs !== undefined) return retryAfterMs;
  return Math.max(
    ...decision.limits
      .filter(({ state }) => state !== 'allow')
      .map(({ limit, retryAfterMs: waitMs = limit.windowMs }) => waitMs),
  );
}

function kindOf({ blocked, state }: { blocked: boolean; state: RateLimitState }): DenialKind {
  if (blocked) return KINDS.abuse;
  return state === 'unavailable' ? KINDS.capacity : KINDS.quota;
}

function violatedLimits({ limits }: RateLimitDecision): string[] {
  return limits.filter(({ state }) => state !== 'allow').map(({ limit }) => limit.name);
}
