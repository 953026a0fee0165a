export { type Backlog, BacklogError } from './backpressure/backlog.js';
export { Backlogs } from './backpressure/backlogs.js';
export { Backpressure } from './backpressure/backpressure.decorator.js';
export { BackpressureError } from './backpressure/backpressure.errors.js';
export {
  type ConsumerLagClient,
  InFlight,
  type StreamLengthClient,
  consumerLag,
  streamLength,
} from './backpressure/depths.js';
export { canonicalAddress } from './counting/client-address.js';
export { InvalidRulingError, TooManyRulingsError } from './control/control.errors.js';
export type { OverrideRule, PolicyMode } from './control/override.js';
export { type BlockReport, type OverrideReport, RateLimitControl } from './control/rate-limit-control.js';
export type { OverrideTarget } from './control/ruling-subjects.js';
export { RateLimitOpsModule } from './control/rate-limit-ops.module.js';
export { RateLimitStore, type StoreFacts, type StoreInfo } from './control/rate-limit-store.js';
export { type RateLimiterOptions, createRateLimiter } from './create-rate-limiter.js';
export {
  type BackendName,
  type LimitStatus,
  type RateLimitDecision,
  type RateLimitState,
} from './decision.js';
export type { CallSubjects } from './http/call-limits.js';
export type { Extractor, ExtractorTable } from './http/extractors.js';
export { limitRequests } from './http/limit-requests.js';
export { declaredLimits } from './http/declarations.js';
export { type RequestCost, RateLimit, SkipRateLimit } from './http/rate-limit.decorator.js';
export { RateLimitExceededError } from './http/rate-limit.errors.js';
export { RateLimitGuard } from './http/rate-limit.guard.js';
export { RouteLimitError } from './http/route-faults.js';
export type {
  StreamDecision,
  StreamLease,
  StreamLimitStatus,
  StreamOpening,
} from './leases/stream-decision.js';
export { StreamQuota } from './leases/stream-quota.decorator.js';
export { StreamDeniedError } from './leases/stream-quota.errors.js';
export type { ConcurrentLimitRow, StreamQuotaRow, StreamQuotaTable } from './leases/stream-quota.js';
export { StreamQuotaError } from './leases/stream-quota-rules.js';
export type { StreamQuotaMap, StreamQuotaName } from './leases/stream-quotas.table.js';
export { StreamQuotas } from './leases/stream-quotas.js';
export { type PolicyName, POLICIES, type RateLimitPolicyMap } from './policies/policies.js';
export type {
  Dimension,
  LimitOutage,
  LimitRow,
  Policy,
  PolicyTable,
  QuotaUnit,
  RateLimitDimensionMap,
  Subjects,
} from './policies/policy.js';
export { RateLimitRootError } from './one-root.js';
export { PolicyError } from './policies/policy-rules.js';
export { RateLimitModule } from './rate-limit.module.js';
export type { RateLimitModuleOptions } from './rate-limit.options.js';
export { type CheckOptions, RateLimiter } from './rate-limiter.js';
