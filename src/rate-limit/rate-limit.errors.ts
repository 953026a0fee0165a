import { AppError } from '../kernel/errors.js';
import type { RateLimitDecision } from './rate-limit.decision.js';
import { rateLimitHeaders } from './rate-limit.headers.js';

/** How a denied decision is told to an HTTP caller: 429. */
export class RateLimitExceededError extends AppError {
  readonly code = 'RATE_LIMIT_EXCEEDED';
  readonly status = 429;
  readonly slug = 'quota-exceeded';
  readonly title = 'Too many requests';
  override readonly retryAfterMs: number | undefined;

  constructor(readonly decision: RateLimitDecision) {
    super(`The limit "${decision.limit}" is exceeded.`);
    this.retryAfterMs = decision.retryAfterMs;
  }

  override get extensions(): Record<string, unknown> {
    const violated = this.decision.limits.filter(({ state }) => state !== 'allow');
    return { violated_policies: violated.map(({ name }) => name) };
  }

  override get headers(): Record<string, string> {
    return rateLimitHeaders(this.decision);
  }
}
