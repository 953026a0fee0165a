/**
 * What must not compile. The compiler is the runner (`npm run typecheck`): an `@ts-expect-error` that expects nothing
 * is itself an error. Nothing here is executed. What a feature's own policies and dimensions do to these types: a
 * program of its own, in rate-limit-augmentation.spec.ts.
 */
import { type PolicyTable, RateLimit, RateLimitModule, SkipRateLimit } from '../src/rate-limit/index.js';

// Policies of routes.
RateLimit('signup');
RateLimit('signup', 'stream-connect');
RateLimit({ policy: 'signup', cost: 2 });
RateLimit('default', { policy: 'signup', cost: ({ body }) => Number(body) });
RateLimit({
  policy: 'signup',
  cost: { known: 'arrival', of: ({ headers }) => Number(headers['content-length'] ?? 1_000_000) },
});
// @ts-expect-error a misspelt policy
RateLimit('singup');
// @ts-expect-error a misspelt policy with a cost
RateLimit({ policy: 'singup', cost: 2 });
// @ts-expect-error a policy that nobody augmented the table with
RateLimit('signup', 'chat');
// @ts-expect-error a policy whose name is known only at run time
RateLimit('sign' + 'up');
// @ts-expect-error no policy at all
RateLimit();
// @ts-expect-error a cost without its policy
RateLimit({ cost: 2 });
// @ts-expect-error a cost that is known at some other time
RateLimit({ policy: 'signup', cost: { known: 'identity', of: () => 2 } });
// @ts-expect-error no limit has no name
SkipRateLimit('signup');

// Extractors.
RateLimitModule.forRoot({ extractors: { tenant: { known: 'identity', of: ({ hostname }) => hostname } } });
// @ts-expect-error a dimension that nobody augmented the table with
RateLimitModule.forRoot({ extractors: { device: { known: 'arrival', of: () => 'x' } } });
// @ts-expect-error what is told when
RateLimitModule.forRoot({ extractors: { user: { of: () => 'x' } } });
// @ts-expect-error a subject that is no text
RateLimitModule.forRoot({ extractors: { user: { known: 'identity', of: () => 7 } } });

// Rows.
const limits = [{ per: 'ip', quota: 1, windowMs: 1, burst: 1 }] as const;
export const units: PolicyTable = { a: { unit: 'content-bytes', limits }, b: { partitionKey: true, limits } };
// @ts-expect-error a unit that the draft does not have
export const foreign: PolicyTable = { a: { unit: 'bytes', limits } };
