import type { LimitOutcome } from '../counting/outcome.js';
import type { RateLimitDecision } from '../decision.js';
import type { CompiledLimit } from '../policies/compiled-limit.js';

/**
 * `RateLimit-Policy` and `RateLimit` of the IETF draft (draft-ietf-httpapi-ratelimit-headers-11), structured field
 * lists of RFC 9651: `"default";q=300;w=60` and `"default";r=59;t=12`. They say nothing about who counted.
 *
 * `t` is the time within which no more than `r` may be used. An honest client divides the two, so `t` is never
 * shorter than the policy takes to earn `r` back: sixty units of a burst are not "sixty within this second".
 * A denied answer names the violated limits only, since `Retry-After` must not be earlier than any `t` beside it.
 */
export function rateLimitHeaders(decision: RateLimitDecision): Record<string, string> {
  const fields = new RateLimitFields();
  return { 'ratelimit-policy': fields.policy(decision), ratelimit: fields.limits(decision) };
}

interface LimitText {
  readonly limit: CompiledLimit;
  readonly policy: string;
  readonly head: string;
  /** In the long run. */
  readonly secondsPerUnit: number;
}

/** Writes both fields, and keeps what they have in common from one decision of a route to the next. */
export class RateLimitFields {
  private texts: LimitText[] = [];
  private policies = '';
  /** Whether the policies are the same for everybody. */
  private constant = false;

  /** Of decisions about any limits; where they are those of the last decision, nothing is built anew. */
  policy({ meters }: RateLimitDecision): string {
    this.follow(meters);
    return this.constant ? this.policies : list(meters.map(({ field }, at) => this.policyItem(at, field)));
  }

  limits(decision: RateLimitDecision): string {
    const { meters, outcomes, allowed, blocked } = decision;
    this.follow(meters);
    let text = '';
    for (let at = 0; at < meters.length; at += 1) {
      const outcome = outcomes[at] as LimitOutcome;
      if (!allowed && !blocked && outcome.waitUs === 0) continue;
      const { limit, head, secondsPerUnit } = this.texts[at] as LimitText;
      if (text !== '') text += ', ';
      if (blocked) text += `${head}0;t=${Math.ceil((decision.retryAfterMs ?? 0) / 1000)}`;
      else text += head + standing(outcome, secondsPerUnit);
      if (limit.partitionKey) text += partitionKey((meters[at] as { field: string }).field, limit);
    }
    return text;
  }

  private follow(meters: RateLimitDecision['meters']): void {
    const { texts } = this;
    let same = texts.length === meters.length;
    for (let at = 0; same && at < meters.length; at += 1)
      same = (texts[at] as LimitText).limit === (meters[at] as { limit: CompiledLimit }).limit;
    if (same) return;
    this.texts = meters.map(({ limit }) => textOf(limit));
    this.constant = !meters.some(({ limit }) => limit.partitionKey);
    this.policies = list(this.texts.map(({ policy }) => policy));
  }

  private policyItem(at: number, field: string): string {
    const { policy, limit } = this.texts[at] as LimitText;
    return limit.partitionKey ? policy + partitionKey(field, limit) : policy;
  }
}

function textOf(limit: CompiledLimit): LimitText {
  const { name, quota, windowMs, unit } = limit;
  const measure = unit === 'requests' ? '' : `;qu="${unit}"`;
  return {
    limit,
    policy: `"${name}";q=${quota}${measure};w=${Math.ceil(windowMs / 1000)}`,
    head: `"${name}";r=`,
    secondsPerUnit: windowMs / 1000 / quota,
  };
}

function standing({ remaining, resetUs, waitUs }: LimitOutcome, secondsPerUnit: number): string {
  // No window after which this request would fit, and the draft allows to name none.
  if (waitUs < 0) return `${remaining}`;
  const seconds = waitUs > 0 ? waitUs / 1e6 : Math.max(resetUs / 1e6, remaining * secondsPerUnit);
  return `${remaining};t=${Math.ceil(seconds)}`;
}

/** The subject's digest as a byte sequence, which has the alphabet of plain base64. */
function partitionKey(field: string, { tag }: CompiledLimit): string {
  return `;pk=:${field.slice(tag.length).replaceAll('-', '+').replaceAll('_', '/')}:`;
}

function list(items: readonly string[]): string {
  return items.join(', ');
}
