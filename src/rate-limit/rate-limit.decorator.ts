import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import type { GuardedPolicy } from './rate-limit.policies.js';

export const RATE_LIMIT = Symbol('rate-limit');

/** What a route declares: further policies, or none at all. */
export type RouteLimits = readonly GuardedPolicy[] | 'skip';

/** Further limits of a route or controller; spent together with the default policy, all or none. */
export function RateLimit(...policies: [GuardedPolicy, ...GuardedPolicy[]]): CustomDecorator<symbol> {
  return SetMetadata(RATE_LIMIT, policies satisfies RouteLimits);
}

/** No limit at all, the default policy included. A route's own decorator wins over its controller's. */
export function SkipRateLimit(): CustomDecorator<symbol> {
  return SetMetadata(RATE_LIMIT, 'skip' satisfies RouteLimits);
}
