import { OpsGuard } from '../http/index.js';
import { BackpressureGuard } from './backpressure/backpressure.guard.js';
import { RateLimitGuard } from './http/rate-limit.guard.js';
import { StreamQuotaGuard } from './leases/stream-quota.guard.js';

/** Guards of the house that tell nobody who is asking, so that it does not matter when they run. */
export const BYSTANDERS: readonly unknown[] = [RateLimitGuard, StreamQuotaGuard, BackpressureGuard, OpsGuard];
