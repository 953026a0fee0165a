import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpException,
  Injectable,
  Param,
  Post,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { Dimension, PolicyTable } from '../policies/policy.js';
import type { Extractor } from './extractors.js';
import { limitedApps } from './limited-app.rig.js';
import { RateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';

const start = limitedApps();

const MINUTE_MS = 60_000;
const of = (per: Dimension, quota: number): PolicyTable[string] => ({
  limits: [{ per, quota, windowMs: MINUTE_MS, burst: quota }],
});

/** What is left of the policies in the header. */
function left(header: unknown): Record<string, number> {
  const items = [...String(header).matchAll(/"([^"]+)";r=(\d+)/g)];
  return Object.fromEntries(items.map(([, name = '', r]) => [name, Number(r)]));
}

const USER = Symbol('user');
declare module 'fastify' {
  interface FastifyRequest {
    [USER]?: string;
  }
}
const user: Extractor = { known: 'identity', of: (request) => request[USER] };

/** Whoever says who he is, is believed. */
@Injectable()
class Access implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const name = request.headers['x-user'];
    if (typeof name !== 'string') throw new UnauthorizedException();
    request[USER] = name;
    return true;
  }
}

@Controller('v1/mine')
class MineController {
  @Get()
  @RateLimit('stream-connect')
  @UseGuards(Access, RateLimitGuard)
  mine(): object {
    return {};
  }

  @Get('open')
  @RateLimit('stream-connect')
  open(): object {
    return {};
  }
}

describe('a limit that counts who was authenticated', () => {
  const policies = { 'stream-connect': of('user', 2) };

  it('is decided by the guard, with all others of the route, all or none', async () => {
    const { app } = await start({ controllers: [MineController], policies, extractors: { user } });
    const ask = async (name: string) => {
      const { statusCode, headers } = await app.inject({ url: '/v1/mine', headers: { 'x-user': name } });
      return { statusCode, left: left(headers['ratelimit']) };
    };
    expect(await ask('ada')).toEqual({ statusCode: 200, left: { default: 59, 'stream-connect': 1 } });
    expect(await ask('ada')).toEqual({ statusCode: 200, left: { default: 58, 'stream-connect': 0 } });
    expect(await ask('ada')).toEqual({ statusCode: 429, left: { 'stream-connect': 0 } });
    expect(await ask('bob')).toEqual({ statusCode: 200, left: { default: 57, 'stream-connect': 1 } });
  });

  it('lets nobody try without end to be authenticated', async () => {
    const { app } = await start({
      controllers: [MineController],
      policies: { ...policies, default: of('ip', 3) },
      extractors: { user },
    });
    const ask = async (headers: Record<string, string> = {}) =>
      (await app.inject({ url: '/v1/mine', headers })).statusCode;
    for (const expected of [401, 401, 401, 429, 429]) expect(await ask()).toBe(expected);
    expect(await ask({ 'x-user': 'ada' })).toBe(429);
  });

  it('does not apply to those whom nobody authenticated', async () => {
    const { app } = await start({ controllers: [MineController], policies, extractors: { user } });
    for (let at = 0; at < 3; at += 1) {
      const { statusCode, headers } = await app.inject({ url: '/v1/mine/open' });
      expect(statusCode).toBe(200);
      expect(left(headers['ratelimit'])).toEqual({ default: 59 - at });
    }
  });

  it('applies to nobody while no extractor tells users', async () => {
    const { app } = await start({ controllers: [MineController], policies });
    for (let at = 0; at < 3; at += 1) {
      const { statusCode, headers } = await app.inject({ url: '/v1/mine', headers: { 'x-user': 'ada' } });
      expect(statusCode).toBe(200);
      expect(left(headers['ratelimit'])).toEqual({ default: 59 - at });
    }
  });
});

@Controller('v1/keys')
class KeysController {
  @Get()
  @RateLimit('stream-connect')
  keys(): object {
    return {};
  }
}

describe('a limit that counts what the head of a request says', () => {
  it('counts API keys apart, and nobody without one', async () => {
    const { app } = await start({
      controllers: [KeysController],
      policies: { 'stream-connect': of('apiKey', 1) },
    });
    const ask = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/v1/keys', headers })).statusCode;
    expect(await ask({ 'x-api-key': 'a' })).toBe(200);
    expect(await ask({ 'x-api-key': 'a' })).toBe(429);
    expect(await ask({ 'x-api-key': 'b' })).toBe(200);
    for (const headers of [{}, {}, { 'x-api-key': '' }, { 'x-api-key': '' }])
      expect(await ask(headers)).toBe(200);
  });

  it('counts what a feature tells', async () => {
    const name: string = 'device';
    const device = name as Dimension;
    const { app } = await start({
      controllers: [KeysController],
      policies: { 'stream-connect': of(device, 1) },
      extractors: {
        [device]: { known: 'arrival', of: ({ headers }) => headers['user-agent'] } satisfies Extractor,
      },
    });
    const ask = async (agent: string) =>
      (await app.inject({ url: '/v1/keys', headers: { 'user-agent': agent } })).statusCode;
    expect([await ask('x'), await ask('x'), await ask('y')]).toEqual([200, 429, 200]);
  });

  it('counts a route for everybody, by its pattern', async () => {
    const { app } = await start({ controllers: [KeysController], policies: { default: of('route', 2) } });
    const ask = async (url: string, remoteAddress: string, method: 'GET' | 'HEAD' = 'GET') =>
      (await app.inject({ url, remoteAddress, method })).statusCode;
    expect(await ask('/v1/keys', '192.0.2.1')).toBe(200);
    expect(await ask('/v1/keys?a', '192.0.2.2', 'HEAD')).toBe(200);
    expect(await ask('/v1/keys', '192.0.2.3')).toBe(429);
    expect(await ask('/v1/nothing', '192.0.2.3')).toBe(404);
  });
});

@Controller('v1/login')
class LoginController {
  @Post(':status')
  @RateLimit('stream-connect')
  login(@Param('status') status: string): object {
    if (Number(status) >= 400) throw new HttpException('no', Number(status));
    return {};
  }

  @Post('as/:status')
  @RateLimit('signup')
  @UseGuards(RateLimitGuard)
  as(@Param('status') status: string): object {
    return this.login(status);
  }
}

describe('a policy that counts failures', () => {
  const policies: PolicyTable = {
    'stream-connect': { ...of('ip', 5), counts: 'failures' },
    signup: { ...of('user', 5), counts: 'failures' },
  };
  const named: Extractor = { known: 'identity', of: ({ headers }) => String(headers['x-user']) };

  it.each([
    ['the hook', '/v1/login', 'stream-connect'],
    ['the guard', '/v1/login/as', 'signup'],
  ])('gives back what succeeded, once, and only of itself, when %s decides', async (_by, url, policy) => {
    const { app } = await start({ controllers: [LoginController], policies, extractors: { user: named } });
    const ask = async (status: number) => {
      const { headers } = await app.inject({
        url: `${url}/${status}`,
        method: 'POST',
        headers: { 'x-user': 'ada' },
      });
      return left(headers['ratelimit']);
    };
    expect(await ask(401)).toEqual({ default: 59, [policy]: 4 });
    expect(await ask(500)).toEqual({ default: 58, [policy]: 3 });
    for (let at = 0; at < 4; at += 1) expect(await ask(200)).toEqual({ default: 57 - at, [policy]: 2 });
    expect(await ask(401)).toEqual({ default: 53, [policy]: 2 });
  });

  it('gives nothing back for what was denied', async () => {
    const { app } = await start({ controllers: [LoginController], policies });
    for (let at = 0; at < 5; at += 1) await app.inject({ url: '/v1/login/401', method: 'POST' });
    for (let at = 0; at < 3; at += 1) {
      expect((await app.inject({ url: '/v1/login/200', method: 'POST' })).statusCode).toBe(429);
    }
  });
});
