/**
 * What the benchmarks use of the packages they compare with. Declared here, because those belong to bench/package.json
 * and are not there when the product is type-checked.
 */

declare module 'rate-limiter-flexible' {
  import type { Redis } from 'ioredis';

  export interface RateLimiterRedisOptions {
    storeClient: Redis;
    keyPrefix?: string;
    points: number;
    /** Seconds. */
    duration: number;
    inMemoryBlockOnConsumed?: number;
  }
  export class RateLimiterRes {
    readonly remainingPoints: number;
    readonly msBeforeNext: number;
  }
  export class RateLimiterRedis {
    constructor(options: RateLimiterRedisOptions);
    /** Rejects with a RateLimiterRes when denied. */
    consume(key: string, points?: number): Promise<RateLimiterRes>;
  }
}

declare module '@nest-lab/throttler-storage-redis' {
  import type { Redis } from 'ioredis';

  export interface ThrottlerRecord {
    readonly totalHits: number;
    readonly isBlocked: boolean;
  }
  export class ThrottlerStorageRedisService {
    constructor(redis: Redis);
    increment(
      ...call: [key: string, ttlMs: number, limit: number, blockMs: number, name: string]
    ): Promise<ThrottlerRecord>;
  }
}

declare module '@nestjs/throttler' {
  import type { CanActivate, DynamicModule, ExecutionContext } from '@nestjs/common';
  import type { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';

  export interface ThrottlerOptions {
    name: string;
    /** Milliseconds. */
    ttl: number;
    limit: number;
    getTracker?: (request: { headers: Record<string, unknown> }) => string;
  }
  export class ThrottlerModule {
    static forRoot(options: {
      throttlers: ThrottlerOptions[];
      storage: ThrottlerStorageRedisService;
    }): DynamicModule;
  }
  export class ThrottlerGuard implements CanActivate {
    canActivate(context: ExecutionContext): Promise<boolean>;
  }
}

declare module '@fastify/rate-limit' {
  import type { FastifyPluginAsync } from 'fastify';
  import type { Redis } from 'ioredis';

  /** `timeWindow` in milliseconds. */
  const plugin: FastifyPluginAsync<{
    max: number;
    timeWindow: number;
    redis: Redis;
    errorResponseBuilder: () => Error;
  }>;
  export default plugin;
}

declare module '@fastify/rate-limit/store/RedisStore.js' {
  import type { Redis } from 'ioredis';

  export interface Count {
    readonly current: number;
    readonly ttl: number;
  }
  export default class RedisStore {
    constructor(continueExceeding: boolean, exponentialBackoff: boolean, redis: Redis, key?: string);
    incr(
      key: string,
      done: (error: Error | null, count: Count | null) => void,
      windowMs: number,
      max: number,
    ): void;
  }
}
