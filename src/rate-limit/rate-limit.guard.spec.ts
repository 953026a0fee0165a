import { Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { furnishHttpDoor } from '../http/index.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { Secret } from '../kernel/redact.js';
import { Metrics, type RequestRecord } from '../telemetry/index.js';
import { MemoryBackend } from './memory-backend.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { POLICIES } from './rate-limit.policies.js';
import { RateLimiter } from './rate-limiter.js';
import { SubjectKeys } from './subject-keys.js';

@Controller('v1/things')
class ThingsController {
  @Get()
  list(): string[] {
    return [];
  }

  @Post()
  @HttpCode(201)
  @RateLimit('signup')
  create(): object {
    return {};
  }

  @Get('twice')
  @UseGuards(RateLimitGuard)
  twice(): object {
    return {};
  }

  @Get('free')
  @SkipRateLimit()
  free(): object {
    return {};
  }
}

@Controller('v1/hooks')
@SkipRateLimit()
class HooksController {
  @Get()
  free(): object {
    return {};
  }

  @Get('limited')
  @RateLimit('signup')
  limited(): object {
    return {};
  }
}

@Controller()
class ProbesController {
  @Get('livez')
  live(): object {
    return {};
  }

  @Get('v1beta')
  other(): object {
    return {};
  }
}

describe('the rate-limit guard', () => {
  const clock = new ManualClock();
  let app: NestFastifyApplication;
  let records: RequestRecord[];

  beforeEach(async () => {
    const metrics = new Metrics();
    const limiter = new RateLimiter({
      policies: POLICIES,
      backend: new MemoryBackend({ clock, maxKeys: 1000, degraded: true }),
      keys: new SubjectKeys('rl:g', new Secret('x'.repeat(32))),
      metrics,
      clock,
    });
    const module = await Test.createTestingModule({
      controllers: [ThingsController, HooksController, ProbesController],
      providers: [
        Reflector,
        { provide: RateLimiter, useValue: limiter },
        { provide: APP_GUARD, useClass: RateLimitGuard },
      ],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
      bodyParser: false,
      logger: false,
    });
    records = [];
    furnishHttpDoor(app, { metrics, clock, quietRoutes: [], followRequests: false });
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onResponse', (request, _reply, done) => {
        records.push(request.record);
        done();
      });
    await app.init();
  });
  afterEach(() => app.close());

  const ask = (url: string, remoteAddress = '192.0.2.1', method: 'GET' | 'POST' = 'GET') =>
    app.inject({ method, url, remoteAddress });

  it('applies the default policy below /v1 and says so in the headers', async () => {
    const { statusCode, headers } = await ask('/v1/things');
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'ratelimit-policy': '"default";q=300;w=60',
      ratelimit: '"default";r=59;t=12',
    });
    expect(headers).not.toHaveProperty('retry-after');
  });

  it('leaves alone what stands outside /v1', async () => {
    for (const url of ['/livez', '/v1beta', '/nowhere']) {
      expect((await ask(url)).headers).not.toHaveProperty('ratelimit');
    }
  });

  it('counts a request once, even when it is bound twice', async () => {
    await ask('/v1/things/twice');
    expect((await ask('/v1/things/twice')).headers['ratelimit']).toContain(';r=58;');
  });

  it('spends nothing on a route that skips it', async () => {
    expect((await ask('/v1/things/free')).headers).not.toHaveProperty('ratelimit');
    expect((await ask('/v1/hooks')).headers).not.toHaveProperty('ratelimit');
    expect((await ask('/v1/things')).headers['ratelimit']).toContain(';r=59;');
  });

  it("lets a route's own limit win over its controller's exemption", async () => {
    expect((await ask('/v1/hooks/limited')).headers['ratelimit-policy']).toContain('"signup"');
  });

  it('answers 429 as a problem that says which policy, and when to come back', async () => {
    const create = () => ask('/v1/things', '192.0.2.1', 'POST');
    for (let at = 0; at < 5; at += 1) expect((await create()).statusCode).toBe(201);
    const denied = await create();
    expect(denied.statusCode).toBe(429);
    expect(denied.headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json') as string,
      'ratelimit-policy': '"default";q=300;w=60, "signup";q=10;w=3600',
      ratelimit: '"signup";r=0;t=360',
      'retry-after': '360',
    });
    expect(denied.json()).toMatchObject({
      type: '/problems/quota-exceeded',
      status: 429,
      violated_policies: ['signup'],
      retry_after: 360,
    });
  });

  it('does not charge the default policy for what another policy denied', async () => {
    for (let at = 0; at < 20; at += 1) await ask('/v1/things', '192.0.2.1', 'POST');
    expect((await ask('/v1/things')).headers['ratelimit']).toContain(';r=54;');
  });

  it('counts clients apart, and one /64 as one client', async () => {
    await ask('/v1/things', '192.0.2.1');
    expect((await ask('/v1/things', '192.0.2.2')).headers['ratelimit']).toContain(';r=59;');
    await ask('/v1/things', '2001:db8::1');
    expect((await ask('/v1/things', '2001:db8::2')).headers['ratelimit']).toContain(';r=58;');
  });

  it('ignores a forwarded header that no trusted proxy wrote', async () => {
    for (let at = 0; at < 2; at += 1) {
      await app.inject({ url: '/v1/things', headers: { 'x-forwarded-for': `198.51.100.${at}` } });
    }
    const { headers } = await app.inject({ url: '/v1/things' });
    expect(headers['ratelimit']).toContain(';r=57;');
  });

  it('notes for the request log who decided and how', async () => {
    await ask('/v1/things');
    await ask('/livez');
    expect(records[0]).toMatchObject({ rlBackend: 'memory', rateLimitState: 'allow' });
    expect(records[1]).not.toHaveProperty('rlBackend');
  });
});
