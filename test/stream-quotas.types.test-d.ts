/**
 * What must not compile about stream quotas and policies that a feature adds. The compiler is the runner
 * (`npm run typecheck`). The names that the chat example adds are known to the whole program, as those of a feature are.
 */
import type { RateLimitModuleOptions } from '../src/rate-limit/index.js';
import { RateLimit, StreamQuota, type StreamQuotas } from '../src/rate-limit/index.js';

declare const streams: StreamQuotas;

StreamQuota('chat');
StreamQuota('chat-transcript');
// @ts-expect-error a misspelt quota
StreamQuota('caht');
// @ts-expect-error a quota whose name is known only at run time
StreamQuota('ch' + 'at');
// @ts-expect-error the name of a policy
StreamQuota('chat-message');

RateLimit('chat-message');
// @ts-expect-error the name of a quota
RateLimit('chat-transcript');

void streams.open('billing', { tenant: 'acme', user: 'ann' });
// @ts-expect-error a misspelt quota
void streams.open('biling', { user: 'ann' });
// @ts-expect-error a dimension that nobody has
void streams.open('billing', { usr: 'ann' });

/** Only what was allowed has a lease to close. */
export async function leaseOf(): Promise<string | undefined> {
  const opening = await streams.open('chat', { user: 'ann' });
  // @ts-expect-error it may have been denied
  void opening.lease.id;
  return opening.allowed ? opening.lease.id : opening.lease;
}

export const options = [
  { streamQuotas: { own: { concurrent: [{ per: 'user', streams: 1 }], connects: 'stream-connect' } } },
  // @ts-expect-error a misspelt policy
  { streamQuotas: { own: { concurrent: [{ per: 'user', streams: 1 }], connects: 'stream-conect' } } },
  // @ts-expect-error a misspelt dimension
  { streamQuotas: { own: { concurrent: [{ per: 'usr', streams: 1 }] } } },
] satisfies RateLimitModuleOptions[];
