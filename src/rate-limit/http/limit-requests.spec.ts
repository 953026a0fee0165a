import {
  type CanActivate,
  Controller,
  Get,
  Injectable,
  Post,
  Req,
  type Type,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BodyLimit } from '../../http/index.js';
import type { Ruling } from '../counting/subject.js';
import type { PolicyTable } from '../policies/policy.js';
import { type LimitedApp, limitedApps, openLimitedApp } from './limited-app.rig.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RequestLimits } from './request-limits.js';
import { RouteLimitError } from './route-faults.js';
import { RouteTable } from './route-table.js';

afterEach(() => void vi.restoreAllMocks());
const start = limitedApps();

const few = (quota: number): PolicyTable => ({
  default: { limits: [{ per: 'ip', quota, windowMs: 60_000, burst: quota }] },
});

const order: string[] = [];

@Injectable()
class Witness implements CanActivate {
  canActivate(): boolean {
    order.push('guard');
    return true;
  }
}

@Controller('v1/plain')
class PlainController {
  @Get()
  @UseGuards(Witness)
  read(): object {
    return {};
  }

  @Post()
  @BodyLimit(2048)
  write(): object {
    return {};
  }

  @Get('config')
  @BodyLimit(4096)
  config(@Req() { routeOptions }: FastifyRequest): object {
    return { bodyLimitBytes: routeOptions.config.bodyLimitBytes };
  }
}

describe('a request that its head decides', () => {
  it('is denied before any guard sees it', async () => {
    order.length = 0;
    const { app } = await start({ controllers: [PlainController], policies: few(1) });
    expect((await app.inject({ url: '/v1/plain' })).statusCode).toBe(200);
    expect((await app.inject({ url: '/v1/plain' })).statusCode).toBe(429);
    expect(order).toEqual(['guard']);
  });

  it('is denied before its body is read', async () => {
    const { app } = await start({ controllers: [PlainController], policies: few(1) });
    const post = () =>
      app.inject({
        url: '/v1/plain',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify('a'.repeat(3000)),
      });
    // The route has a body limit of its own, and so it counts what is too large as well.
    expect((await post()).statusCode).toBe(413);
    expect((await post()).statusCode).toBe(429);
  });
});

it('a route keeps the configuration that it has for other reasons', async () => {
  const { app } = await start({ controllers: [PlainController] });
  const { headers, body } = await app.inject({ url: '/v1/plain/config' });
  expect(headers).toHaveProperty('ratelimit');
  expect(JSON.parse(body)).toEqual({ bodyLimitBytes: 4096 });
});

describe('an address below /v1 at which nothing answers', () => {
  it.each([
    ['an unknown path', '/v1/nothing', 'GET'],
    ['OPTIONS', '/v1/nothing', 'OPTIONS'],
    ['an escaped prefix', '/%76%31/nothing', 'GET'],
    ['an escaped slash', '/v1%2Fnothing', 'GET'],
    ['two slashes in front', '//v1/nothing', 'GET'],
  ] as const)('is limited by the default policy: %s', async (_what, url, method) => {
    const { app } = await start({ controllers: [PlainController], policies: few(2) });
    const answers = [];
    for (let at = 0; at < 3; at += 1) answers.push(await app.inject({ url, method }));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404, 429]);
    expect(answers[0]?.headers['ratelimit']).toBe('"default";r=1;t=30');
    expect(answers[2]?.json()).toMatchObject({ type: '/problems/quota-exceeded', instance: url });
  });

  it.each(['DELETE', 'OPTIONS'] as const)(
    'is limited alike where only the method is unknown: %s',
    async (method) => {
      const { app } = await start({ controllers: [PlainController], policies: few(2) });
      const answers = [];
      for (let at = 0; at < 3; at += 1) answers.push(await app.inject({ url: '/v1/plain', method }));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([405, 405, 429]);
    },
  );

  it.each(['/nothing', '/v1', '/v1beta/nothing', '/%zz', '/nothing?at=/v1/'])(
    'is another matter elsewhere: %s',
    async (url) => {
      const { app } = await start({ controllers: [PlainController], policies: few(1) });
      for (let at = 0; at < 3; at += 1) {
        const { statusCode, headers } = await app.inject({ url });
        expect([400, 404]).toContain(statusCode);
        expect(headers).not.toHaveProperty('ratelimit');
      }
    },
  );
});

abstract class Shared {
  @Get()
  read(): object {
    return {};
  }

  @Get('signup')
  @RateLimit('signup')
  signup(): object {
    return {};
  }
}

@Controller('v1/one')
@RateLimit('stream-connect')
class One extends Shared {}

@Controller('v1/other')
class Other extends Shared {}

@Controller('v1/none')
@SkipRateLimit()
class None extends Shared {}

@Controller('v1/again')
@RateLimit('stream-connect')
class Again extends Shared {}

describe('a method that several controllers inherit', () => {
  const policiesAt = async ({ app }: LimitedApp, url: string): Promise<string[]> => {
    const { headers } = await app.inject({ url });
    return [...String(headers['ratelimit-policy']).matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
  };

  it('has the limits of the class that was called', async () => {
    const limited = await start({ controllers: [One, Other] });
    expect(await policiesAt(limited, '/v1/one')).toEqual(['default', 'stream-connect']);
    expect(await policiesAt(limited, '/v1/other')).toEqual(['default']);
    expect(await policiesAt(await start({ controllers: [None] }), '/v1/none')).toEqual([]);
  });

  it('has its own limits before those of any class', async () => {
    const limited = await start({ controllers: [One, Other] });
    for (const url of ['/v1/one/signup', '/v1/other/signup']) {
      expect(await policiesAt(limited, url)).toEqual([
        'default',
        'signup-ip',
        'signup-network',
        'signup-global',
      ]);
    }
  });

  it('needs a guard only where they say different things', async () => {
    const needsGuard = async (...controllers: Type[]) =>
      (await start({ controllers })).app.get(RouteTable).needsGuard;
    expect(await needsGuard(One, Again)).toBe(false);
    expect(await needsGuard(Other)).toBe(false);
    expect(await needsGuard(One, Other)).toBe(true);
  });
});

/** A guard of the class refuses before the guard that limits could decide. */
@Injectable()
class Refusal implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

@Controller('v1/private')
@RateLimit('stream-connect')
@UseGuards(Refusal, RateLimitGuard)
class Private extends Shared {}

describe('a method that controllers inherit with limits that differ', () => {
  it('lets nobody try without end to get past the guards before its limits', async () => {
    const { app } = await start({ controllers: [Private, Other], policies: few(3) });
    const ask = async (url: string) => (await app.inject({ url })).statusCode;
    for (const expected of [401, 401, 401, 429, 429]) expect(await ask('/v1/private')).toBe(expected);
    expect(await ask('/v1/other')).toBe(429);
  });

  it('denies whom an operator has blocked before those guards', async () => {
    const ruling: Ruling = {
      edition: 1,
      anyBlocked: true,
      blockedUntilMs: () => 3_600_000,
      limitFor: (limit) => limit,
    };
    const { app } = await start({ controllers: [Private, Other], ruling });
    expect((await app.inject({ url: '/v1/private' })).statusCode).toBe(429);
  });

  it('counts a request once that gets as far as its limits', async () => {
    const { app } = await start({ controllers: [One, Other], policies: few(9) });
    for (const [url, rest] of [
      ['/v1/one', 8],
      ['/v1/other', 7],
    ] as const)
      expect((await app.inject({ url })).headers['ratelimit']).toContain(`"default";r=${rest};`);
  });

  it('refuses the start where they have none in common', async () => {
    await expect(openLimitedApp({ controllers: [One, None] })).rejects.toThrow(RouteLimitError);
    await expect(openLimitedApp({ controllers: [One, None] })).rejects.toThrow(
      /One\.read and None\.read are one method/,
    );
  });
});

it('a fault after Redis has decided is answered with 500, and ends nothing else', async () => {
  const { app, engine } = await start({ controllers: [PlainController] });
  const decide = engine.decide.bind(engine);
  vi.spyOn(engine, 'decide').mockImplementation(async (...words) => decide(...words));
  vi.spyOn(app.get(RequestLimits), 'note').mockImplementationOnce(() => {
    throw new TypeError('a fault');
  });
  const statuses = [];
  for (let at = 0; at < 2; at += 1) statuses.push((await app.inject({ url: '/v1/plain' })).statusCode);
  expect(statuses).toEqual([500, 200]);
});

it('two applications of one process with one controller have a table of policies each', async () => {
  const [first, second] = [
    await start({ controllers: [PlainController], policies: few(1) }),
    await start({ controllers: [PlainController], policies: few(9) }),
  ];
  const field = async ({ app }: LimitedApp) =>
    (await app.inject({ url: '/v1/plain' })).headers['ratelimit-policy'];
  expect(await field(second)).toBe('"default";q=9;w=60');
  expect(await field(first)).toBe('"default";q=1;w=60');
});

it('a guard that is needed stands behind those that authenticate for the whole application', async () => {
  const users = new WeakMap<object, string>();
  const access: CanActivate = {
    canActivate: (context) => {
      const { raw, headers } = context.switchToHttp().getRequest<FastifyRequest>();
      users.set(raw, String(headers['x-user']));
      return true;
    },
  };
  const { app } = await start({
    controllers: [PlainController],
    providers: [{ provide: APP_GUARD, useValue: access }],
    policies: { default: { limits: [{ per: 'user', quota: 1, windowMs: 60_000, burst: 1 }] } },
    extractors: { user: { known: 'identity', of: ({ raw }) => users.get(raw) } },
  });
  const ask = async (user: string) =>
    (await app.inject({ url: '/v1/plain', headers: { 'x-user': user } })).statusCode;
  expect([await ask('ada'), await ask('ada'), await ask('bob')]).toEqual([200, 429, 200]);
});
