import type { StreamDecision, StreamLimitStatus } from './stream-decision.js';

/** Members of the lists `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). */
export interface StreamFields {
  readonly policy: string;
  readonly limit: string;
}

/**
 * Open streams are the draft's quota unit `concurrent-requests`: `"chat-user";q=5;qu="concurrent-requests"` and
 * `"chat-user";r=3`. There is no `t`: room comes when a stream ends, not with time. A denied answer names the violated
 * limits only.
 */
export function streamFields({ allowed, limits }: StreamDecision): StreamFields {
  const shown = allowed ? limits : limits.filter(({ state }) => state !== 'allow');
  return { policy: limits.map(policyItem).join(', '), limit: shown.map(limitItem).join(', ') };
}

function policyItem({ limit }: StreamLimitStatus): string {
  return `"${limit.name}";q=${limit.streams};qu="concurrent-requests"`;
}

function limitItem({ limit, remaining }: StreamLimitStatus): string {
  return `"${limit.name}";r=${remaining}`;
}

/** One list of what was there and what is new. */
export function joined(...items: readonly (string | undefined)[]): string {
  return items.filter(Boolean).join(', ');
}
