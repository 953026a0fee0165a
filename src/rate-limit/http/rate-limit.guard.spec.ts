import { Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LimitedApp, openLimitedApp } from './limited-app.rig.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';

@Controller('v1/things')
class ThingsController {
  @Get()
  list(): string[] {
    return [];
  }

  @Get('one/:id')
  one(): object {
    return {};
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

const controllers = [ThingsController, HooksController, ProbesController];

describe.each(['hook', 'guard'] as const)('the limits of a route, decided by the %s', (by) => {
  let limited: LimitedApp;
  beforeEach(async () => {
    limited = await openLimitedApp({ controllers, by });
  });
  afterEach(() => limited.app.close());

  const ask = (url: string, remoteAddress = '192.0.2.1', method: 'GET' | 'POST' | 'HEAD' = 'GET') =>
    limited.app.inject({ method, url, remoteAddress });

  it('are the default policy below /v1, and the headers say so', async () => {
    for (const [url, left] of [
      ['/v1/things', 59],
      ['/v1/things/one/7', 58],
    ] as const) {
      const { statusCode, headers } = await ask(url);
      expect(statusCode).toBe(200);
      expect(headers).toMatchObject({
        'ratelimit-policy': '"default";q=300;w=60',
        ratelimit: `"default";r=${left};t=12`,
      });
      expect(headers).not.toHaveProperty('retry-after');
    }
  });

  it('are none for what stands outside /v1', async () => {
    for (const url of ['/livez', '/v1beta', '/nowhere']) {
      expect((await ask(url)).headers).not.toHaveProperty('ratelimit');
    }
  });

  it('count a request once, even when a guard is bound twice', async () => {
    await ask('/v1/things/twice');
    expect((await ask('/v1/things/twice')).headers['ratelimit']).toContain(';r=58;');
  });

  it('count HEAD as GET', async () => {
    await ask('/v1/things', undefined, 'HEAD');
    expect((await ask('/v1/things', undefined, 'HEAD')).headers['ratelimit']).toContain(';r=58;');
  });

  it('are none where the route skips them, and nothing is spent', async () => {
    expect((await ask('/v1/things/free')).headers).not.toHaveProperty('ratelimit');
    expect((await ask('/v1/hooks')).headers).not.toHaveProperty('ratelimit');
    expect((await ask('/v1/things')).headers['ratelimit']).toContain(';r=59;');
  });

  it("are the route's own before its controller's", async () => {
    expect((await ask('/v1/hooks/limited')).headers['ratelimit-policy']).toContain('"signup-ip"');
  });

  it('deny with a problem that says which limit, and when to come back', async () => {
    const create = () => ask('/v1/things', '192.0.2.1', 'POST');
    for (let at = 0; at < 5; at += 1) expect((await create()).statusCode).toBe(201);
    const denied = await create();
    expect(denied.statusCode).toBe(429);
    expect(denied.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'ratelimit-policy':
        '"default";q=300;w=60, "signup-ip";q=10;w=3600, "signup-network";q=100;w=3600, "signup-global";q=3000;w=3600',
      ratelimit: '"signup-ip";r=0;t=360',
      'retry-after': '360',
    });
    expect(denied.json()).toMatchObject({
      type: '/problems/quota-exceeded',
      status: 429,
      'violated-policies': ['signup-ip'],
      retry_after: 360,
    });
  });

  it('spend nothing of one policy for what another one denied', async () => {
    for (let at = 0; at < 20; at += 1) await ask('/v1/things', '192.0.2.1', 'POST');
    expect((await ask('/v1/things')).headers['ratelimit']).toContain(';r=54;');
  });

  it('count clients apart, and one /64 as one client', async () => {
    await ask('/v1/things', '192.0.2.1');
    expect((await ask('/v1/things', '192.0.2.2')).headers['ratelimit']).toContain(';r=59;');
    await ask('/v1/things', '2001:db8::1');
    expect((await ask('/v1/things', '2001:db8::2')).headers['ratelimit']).toContain(';r=58;');
  });

  it('take no notice of a forwarded header that no trusted proxy wrote', async () => {
    for (let at = 0; at < 2; at += 1) {
      await limited.app.inject({ url: '/v1/things', headers: { 'x-forwarded-for': `198.51.100.${at}` } });
    }
    const { headers } = await limited.app.inject({ url: '/v1/things' });
    expect(headers['ratelimit']).toContain(';r=57;');
  });

  it('are noted for the request log: who decided, how, and by which policy', async () => {
    await ask('/v1/things');
    await ask('/v1/things', undefined, 'POST');
    for (let at = 0; at < 5; at += 1) await ask('/v1/things', undefined, 'POST');
    await ask('/livez');
    const { records } = limited;
    expect(records[0]).toMatchObject({
      rlBackend: 'memory',
      rateLimitState: 'allow',
      rateLimitPolicy: 'default',
    });
    // Four of five left are fewer than 58 of 60.
    expect(records[1]).toMatchObject({ rateLimitState: 'allow', rateLimitPolicy: 'signup' });
    expect(records.at(-2)).toMatchObject({ rateLimitState: 'throttle', rateLimitPolicy: 'signup' });
    expect(records.at(-1)).not.toHaveProperty('rlBackend');
  });
});
