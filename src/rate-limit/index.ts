export { MemoryBackend } from './memory-backend.js';
export type { BackendDecision, BackendName, RateLimitBackend } from './rate-limit.backend.js';
export { RateLimitSettings } from './rate-limit.config.js';
export type { LimitStatus, RateLimitDecision, RateLimitState } from './rate-limit.decision.js';
export { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
export { RateLimitExceededError } from './rate-limit.errors.js';
export { RateLimitGuard } from './rate-limit.guard.js';
export { rateLimitHeaders } from './rate-limit.headers.js';
export { RateLimitModule } from './rate-limit.module.js';
export {
  POLICIES,
  type Dimension,
  type Policy,
  type PolicyName,
  type PolicyTable,
} from './rate-limit.policies.js';
export { type RateLimitRequest, RateLimiter, type RateLimiterParts } from './rate-limiter.js';
export { RedisBackend } from './redis-backend.js';
export { SubjectKeys } from './subject-keys.js';
