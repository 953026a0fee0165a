import rateLimitPlugin from '@fastify/rate-limit';
import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule, type ThrottlerOptions } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type HttpVariant, bareApp, limitOf } from './http-variant.js';

/** The packages that others use, as their manuals show them, in the bare application. */
export const PEER_VARIANTS = {
  'throttler-1': variant('@nestjs/throttler + Redis, 1 limit', (url) => throttler(url, ['default'], false)),
  'throttler-3': variant('@nestjs/throttler + Redis, 3 limits', (url) =>
    throttler(url, ['ip', 'user', 'global'], false),
  ),
  'throttler-denied': denied('@nestjs/throttler + Redis, 1 limit, 429', 'throttler-1', (url) =>
    throttler(url, ['default'], true),
  ),
  fastify: variant('@fastify/rate-limit + Redis, 1 limit', (url) => fastify(url, false)),
  'fastify-denied': denied('@fastify/rate-limit + Redis, 1 limit, 429', 'fastify', (url) =>
    fastify(url, true),
  ),
  flexible: variant('rate-limiter-flexible in a guard, 1 limit', (url) => flexible(url, false)),
  'flexible-denied': denied('rate-limiter-flexible, inMemoryBlock, 429', 'flexible', (url) =>
    flexible(url, true),
  ),
} as const satisfies Record<string, HttpVariant>;

function variant(title: string, open: HttpVariant['open']): HttpVariant {
  return { title, base: 'bare', open };
}

function denied(title: string, allowedTwin: string, open: HttpVariant['open']): HttpVariant {
  return { title, base: 'bare', denied: true, allowedTwin, open };
}

const TRACKERS: Readonly<Record<string, Pick<ThrottlerOptions, 'getTracker'>>> = {
  user: { getTracker: ({ headers }) => String(headers['x-user']) },
  global: { getTracker: () => 'all' },
};

function throttler(
  url: string,
  names: readonly string[],
  isDenied: boolean,
): Promise<NestFastifyApplication> {
  const { quota, windowSeconds } = limitOf(isDenied);
  const row = { ttl: windowSeconds * 1000, limit: quota };
  const throttlers = names.map((name) => ({ name, ...row, ...TRACKERS[name] }));
  const storage = new ThrottlerStorageRedisService(connect(url, prefix('nt', isDenied)));
  return bareApp({
    imports: [ThrottlerModule.forRoot({ throttlers, storage })],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  });
}

async function fastify(url: string, isDenied: boolean): Promise<NestFastifyApplication> {
  const { quota: max, windowSeconds } = limitOf(isDenied);
  const app = await bareApp();
  await app
    .getHttpAdapter()
    .getInstance()
    .register(rateLimitPlugin, {
      max,
      timeWindow: windowSeconds * 1000,
      redis: connect(url, prefix('frl', isDenied)),
      // Its own error is no HttpException, and Nest would make a 500 of it.
      errorResponseBuilder: () => new HttpException('Too many requests', HttpStatus.TOO_MANY_REQUESTS),
    });
  return app;
}

function flexible(url: string, isDenied: boolean): Promise<NestFastifyApplication> {
  const { quota: points, windowSeconds: duration } = limitOf(isDenied);
  const limiter = new RateLimiterRedis({
    storeClient: connect(url),
    keyPrefix: prefix('rlf', isDenied),
    points,
    duration,
    ...(isDenied ? { inMemoryBlockOnConsumed: points } : {}),
  });
  const guard: Provider = { provide: APP_GUARD, useValue: new FlexibleGuard(limiter, points) };
  return bareApp({ providers: [guard] });
}

/** As in the package's wiki for Nest and Express: consume, set headers, 429 when it rejects. */
class FlexibleGuard implements CanActivate {
  constructor(
    private readonly limiter: RateLimiterRedis,
    private readonly points: number,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    try {
      this.tell(reply, await this.limiter.consume(http.getRequest<FastifyRequest>().ip));
      return true;
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      this.tell(reply, reason);
      reply.header('retry-after', Math.ceil(reason.msBeforeNext / 1000));
      throw new HttpException('Too many requests', HttpStatus.TOO_MANY_REQUESTS);
    }
  }

  private tell(reply: FastifyReply, { remainingPoints, msBeforeNext }: RateLimiterRes): void {
    reply.header('x-ratelimit-limit', this.points);
    reply.header('x-ratelimit-remaining', remainingPoints);
    reply.header('x-ratelimit-reset', Math.ceil(msBeforeNext / 1000));
  }
}

/** With auto-pipelining, which is more than their manuals ask for. */
function connect(url: string, keyPrefix = ''): Redis {
  return new Redis(url, { keyPrefix, enableAutoPipelining: true });
}

/** Variants share a server and must not share keys. */
function prefix(package_: string, isDenied: boolean): string {
  return `${package_}${isDenied ? '-denied' : ''}:`;
}
