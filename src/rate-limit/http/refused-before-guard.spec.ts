import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  type MessageEvent,
  Post,
  Sse,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { NEVER, type Observable, concat, of as observableOf } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Dimension, PolicyTable } from '../policies/policy.js';
import type { Extractor } from './extractors.js';
import { type LimitedApp, limitedApps } from './limited-app.rig.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';

const start = limitedApps();

const of = (per: Dimension, quota: number) => ({ per, quota, windowMs: 60_000, burst: quota }) as const;
const account: Extractor = { known: 'identity', of: ({ headers }) => headers['x-account']?.toString() };

/** Who got as far as proving who he is; each of them costs what a password costs. */
let proven = 0;

@Injectable()
class Password implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    proven += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (headers.authorization !== 'right') throw new UnauthorizedException();
    return true;
  }
}

@Controller('v1')
class AccountController {
  @Post('login')
  @RateLimit('signup')
  @UseGuards(Password, RateLimitGuard)
  login(): object {
    return {};
  }

  @Post('import')
  @RateLimit({ policy: 'signup', cost: ({ body }) => (body as { rows: number }).rows })
  rows(@Body() body: object): object {
    return body;
  }

  @Sse('stream')
  @SkipRateLimit()
  stream(): Observable<MessageEvent> {
    return concat(observableOf({ data: 'open' }), NEVER);
  }
}

/** What the account has is there to have the guard decide. */
const ADDRESS_FIVE: PolicyTable = { signup: { limits: [of('ip', 5), of('account', 1000)] } };
const options = (policies: PolicyTable) => {
  proven = 0;
  return { controllers: [AccountController], policies, extractors: { account } };
};
const login = async ({ app }: LimitedApp, headers: Record<string, string> = {}) =>
  app.inject({ url: '/v1/login', method: 'POST', headers: { 'x-account': 'ada', ...headers } });
const left = (header: unknown): Record<string, number> =>
  Object.fromEntries(
    [...String(header).matchAll(/"([^"]+)";r=(\d+)/g)].map(([, name = '', r]) => [name, Number(r)]),
  );
const PROVEN = { authorization: 'right' };

describe('Requests that guards refuse before the limits of their route', () => {
  const failures: PolicyTable = {
    signup: { counts: 'failures', credential: true, limits: [of('ip', 5), of('account', 5)] },
    default: { limits: [of('ip', 50)] },
  };

  it('are limited by a policy that counts failures, and count for the default one', async () => {
    const limited = await start(options(failures));
    const statuses = [];
    for (let at = 0; at < 120; at += 1) statuses.push((await login(limited)).statusCode);
    expect(statuses.slice(0, 6)).toEqual([401, 401, 401, 401, 401, 429]);
    expect([...new Set(statuses.slice(6))]).toEqual([429]);
    expect(proven).toBe(5);
    const { headers } = await limited.app.inject({ url: '/v1/nothing' });
    expect(left(headers['ratelimit'])).toEqual({ default: 44 });
  });

  it('pass no more often than the limit when they arrive together', async () => {
    const limited = await start(options(ADDRESS_FIVE));
    const answers = await Promise.all(Array.from({ length: 1000 }, () => login(limited)));
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(5);
    expect(proven).toBe(5);
  });

  it.each([false, true])('with a body that nobody can read are limited (failures only: %s)', async (only) => {
    const policy = { ...ADDRESS_FIVE['signup'], ...(only ? { counts: 'failures' as const } : {}) };
    const { app } = await start(options({ signup: policy as PolicyTable[string] }));
    const statuses = [];
    for (let at = 0; at < 60; at += 1) {
      const { statusCode } = await app.inject({
        url: '/v1/import',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        payload: '{',
      });
      statuses.push(statusCode);
    }
    expect(statuses.filter((status) => status === 400)).toHaveLength(5);
    expect(new Set(statuses)).toEqual(new Set([400, 429]));
  });

  it('count when they wait behind another answer of their connection', async () => {
    const { app } = await start(options(ADDRESS_FIVE));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    socket.write(head('GET /v1/stream'));
    await once(socket, 'data');
    socket.write(head('POST /v1/login', 'Content-Length: 0\r\n').repeat(20));
    await expect.poll(() => proven).toBeGreaterThanOrEqual(5);
    const { statusCode } = await app.inject({ url: '/v1/login', method: 'POST' });
    expect([statusCode, proven]).toEqual([429, 5]);
    socket.destroy();
  });
});

describe('Requests that get as far as the limits of their route', () => {
  it('have spent what their guard decided, and nothing more', async () => {
    const limited = await start(options({ signup: { limits: [of('ip', 5), of('account', 3)] } }));
    for (const rest of [2, 1, 0])
      expect(left((await login(limited, PROVEN)).headers['ratelimit'])).toEqual({
        default: 57 + rest,
        'signup-ip': 2 + rest,
        'signup-account': rest,
      });
    const denied = await login(limited, PROVEN);
    expect([denied.statusCode, left(denied.headers['ratelimit'])]).toEqual([429, { 'signup-account': 0 }]);
    const other = await login(limited, { ...PROVEN, 'x-account': 'bob' });
    expect(left(other.headers['ratelimit'])).toEqual({ default: 56, 'signup-ip': 1, 'signup-account': 2 });
  });

  it('may use the last unit of a limit that they have taken it from on arrival', async () => {
    const limited = await start(options({ signup: { limits: [of('ip', 1), of('account', 1000)] } }));
    expect((await login(limited, PROVEN)).statusCode).toBe(201);
    expect((await login(limited, PROVEN)).statusCode).toBe(429);
  });

  it('are one decision each in the metrics, and so are those that do not', async () => {
    const limited = await start(options(ADDRESS_FIVE));
    for (const headers of [PROVEN, {}, PROVEN, {}, PROVEN, {}]) await login(limited, headers);
    const text = await limited.metrics.registry.metrics();
    const count = (state: string) =>
      new RegExp(
        `rate_limit_decisions_total\\{policy="signup",state="${state}",backend="memory"\\} (\\d+)`,
      ).exec(text)?.[1];
    expect([count('allow'), count('throttle')]).toEqual(['5', '1']);
  });

  it.each([0, 1])('count for a policy in shadow mode once (%i of 2 are let in)', async (letIn) => {
    const shadow: PolicyTable = { signup: { mode: 'shadow', limits: [of('ip', 2), of('account', 1000)] } };
    const limited = await start(options(shadow));
    for (let at = 0; at < 2; at += 1) await login(limited, at < letIn ? PROVEN : {});
    const denials = async () =>
      /rate_limit_shadow_denials_total\{policy="signup"\} (\d+)/.exec(
        await limited.metrics.registry.metrics(),
      )?.[1];
    expect(await denials()).toBe('0');
    await login(limited);
    expect(await denials()).toBe('1');
  });
});
