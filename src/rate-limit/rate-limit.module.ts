import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ConfigModule } from '../config/index.js';
import { RedisModule } from '../redis/index.js';
import { RateLimitSettings, countsInMemory } from './rate-limit.config.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { rateLimitProviders } from './rate-limit.providers.js';
import { RateLimiter } from './rate-limiter.js';

/**
 * How often a client may ask. A request passes the guard once; the guard asks the RateLimiter about all limits of
 * the route together; a backend counts them with one algorithm (GCRA), in Redis by one script call or, while Redis
 * is away, in this process. Weaker decisions are never silent: `backend` and `degraded` stand in the decision, in
 * the request log, in the metrics, and a warning is logged.
 *
 * Policies are a table (rate-limit.policies.ts). Why GCRA, why these keys: docs/adr/0010-rate-limit-gcra.md.
 */
@Module({
  imports: [
    ConfigModule.forFeature(RateLimitSettings),
    RedisModule.forPurpose('rateLimit', { unless: countsInMemory }),
    RedisModule.forInspection(),
  ],
  providers: [...rateLimitProviders, RateLimitGuard, { provide: APP_GUARD, useExisting: RateLimitGuard }],
  exports: [RateLimiter, RateLimitGuard],
})
export class RateLimitModule {}
