import type { LimitStatus, RateLimitDecision } from './rate-limit.decision.js';

/**
 * `RateLimit-Policy` and `RateLimit` of the IETF draft (draft-ietf-httpapi-ratelimit-headers-11), structured
 * field lists: `"default";q=300;w=60` and `"default";r=59;t=12`. They say nothing about who counted.
 *
 * `t` is the time within which no more than `r` may be used. An honest client divides the two, so `t` is never
 * shorter than the policy takes to earn `r` back: sixty units of a burst are not "sixty within this second".
 * A denied answer names the violated limits only, since `Retry-After` must not be earlier than any `t` beside it.
 */
export function rateLimitHeaders({ allowed, limits }: RateLimitDecision): Record<string, string> {
  const shown = allowed ? limits : limits.filter(({ state }) => state !== 'allow');
  return {
    'ratelimit-policy': limits.map(policyItem).join(', '),
    ratelimit: shown.map((limit) => limitItem(limit)).join(', '),
  };
}

function policyItem({ name, policy }: LimitStatus): string {
  return `"${name}";q=${policy.quota};w=${policy.windowSeconds}`;
}

function limitItem(limit: LimitStatus): string {
  const item = `"${limit.name}";r=${limit.remaining}`;
  // Blocked: no window after which this request would fit, and the draft allows to name none.
  return limit.state === 'block' ? item : `${item};t=${windowSeconds(limit)}`;
}

function windowSeconds({ state, policy, remaining, resetMs, retryAfterMs = 0 }: LimitStatus): number {
  if (state === 'throttle') return Math.ceil(retryAfterMs / 1000);
  return Math.ceil(Math.max(resetMs / 1000, (remaining * policy.windowSeconds) / policy.quota));
}
