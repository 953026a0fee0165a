import type { FastifyRequest } from 'fastify';
import type { Extractor, PolicyTable, StreamQuotaTable } from '../../src/rate-limit/index.js';

/** How often somebody may write. */
export const CHAT_POLICIES = {
  'chat-message': {
    limits: [
      { per: 'user', quota: 30, windowMs: 60_000, burst: 10, outage: 'local' },
      // The user is what the client says, and may be nobody. A limit that counts only what can be left out or made up
      // stops nobody: the address is always known. Wider, since several people may share one.
      { per: 'ip', quota: 120, windowMs: 60_000, burst: 40, outage: 'local' },
    ],
  },
} as const satisfies PolicyTable;

/** How many transcripts somebody may have sent at once. Reading along has a quota of the house, `chat`. */
export const CHAT_STREAM_QUOTAS = {
  'chat-transcript': {
    concurrent: [
      { per: 'user', streams: 1 },
      { per: 'ip', streams: 1, unless: 'user' },
    ],
    connects: 'stream-connect',
  },
} as const satisfies StreamQuotaTable;

type OwnPolicies = typeof CHAT_POLICIES;
type OwnStreamQuotas = typeof CHAT_STREAM_QUOTAS;

declare module '../../src/rate-limit/index.js' {
  interface RateLimitPolicyMap extends OwnPolicies {}
  interface StreamQuotaMap extends OwnStreamQuotas {}
}

/** Who is counted. A real application takes both from what its authentication has proven, not from a header. */
export const CHAT_EXTRACTORS = {
  user: fromHeader('x-chat-user'),
  tenant: fromHeader('x-chat-tenant'),
};

export function fromHeader(name: string): Extractor {
  return { known: 'arrival', of: ({ headers }: FastifyRequest) => headers[name]?.toString() };
}
