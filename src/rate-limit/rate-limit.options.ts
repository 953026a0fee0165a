import type { CallSubjects } from './http/call-limits.js';
import type { ExtractorTable } from './http/extractors.js';
import type { PolicyTable } from './policies/policy.js';
import type { StreamQuotaTable } from './leases/stream-quota.js';

/** Given once, in the application module, with what stands under `rateLimit` in src/app.features.ts. */
export interface RateLimitModuleOptions {
  /** Policies beside those of the house; augment RateLimitPolicyMap so that the compiler knows them. */
  readonly policies?: PolicyTable;
  /** Stream quotas beside those of the house; augment StreamQuotaMap so that the compiler knows them. */
  readonly streamQuotas?: StreamQuotaTable;
  /** How HTTP requests tell a dimension; augment RateLimitDimensionMap for one of your own. */
  readonly extractors?: ExtractorTable;
  /** Who sends a message on a socket or calls a microservice; needed where such handlers have limits of their own. */
  readonly subjects?: CallSubjects;
}

/** Token of the options. Not exported from the door. */
export const RATE_LIMIT_OPTIONS = Symbol('RATE_LIMIT_OPTIONS');
