import { once } from 'node:events';
import { type IncomingMessage, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { HttpSettings, createFastifyAdapter } from '../../http/index.js';
import { type LimitedApp, type LimitedAppOptions, limitedApps } from './limited-app.rig.js';

/** One proxy is believed. */
const HTTP = {
  trustProxy: 1,
  bodyLimitBytes: 65_536,
  headerLimitBytes: 16_384,
  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 65_000,
  keepAliveTimeoutMs: 72_000,
};
const open = limitedApps();
const start = (options: LimitedAppOptions): Promise<LimitedApp> =>
  open({ ...options, adapter: createFastifyAdapter(Object.assign(new HttpSettings(), HTTP)) });

@Controller('v1/plain')
class PlainController {
  @Get(':id')
  read(@Param('id') id: string): object {
    return { id };
  }

  @Post()
  write(): object {
    return {};
  }
}

/** What is left serves whatever else is asked for, as the pages of a single-page application are served. */
@Controller()
class RestController {
  @Get('*')
  page(): string {
    return 'page';
  }
}

const few = { default: { limits: [{ per: 'ip', quota: 2, windowMs: 60_000, burst: 2 }] } } as const;
const LONG = `/v1/plain/${'a'.repeat(300)}`;
const from = (address: string) => ({ 'x-forwarded-for': address });

async function ask({ app }: LimitedApp, times: number, request: Parameters<LimitedApp['app']['inject']>[0]) {
  const answers = [];
  for (let at = 0; at < times; at += 1) answers.push(await app.inject(request as { url: string }));
  return answers;
}

describe('an address below /v1 that the router refuses', () => {
  it.each([
    ['a malformed path', '/v1/%zz', 400],
    ['a malformed path of a route', '/v1/plain/%c3%28', 400],
    ['a part without an end', LONG, 414],
  ])('is limited by the default policy: %s', async (_what, url, status) => {
    const limited = await start({ controllers: [PlainController], policies: few });
    const answers = await ask(limited, 3, { url });
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([status, status, 429]);
    expect(answers[0]?.headers['ratelimit']).toBe('"default";r=1;t=30');
    expect(answers[0]?.json()).toMatchObject({ status, instance: url });
    expect(answers[2]?.json()).toMatchObject({ type: '/problems/quota-exceeded', instance: url });
    expect(limited.records.map(({ rateLimitState }) => rateLimitState)).toEqual([
      'allow',
      'allow',
      'throttle',
    ]);
  });

  it('counts for the client that the proxy saw, as its other requests do', async () => {
    const limited = await start({ controllers: [PlainController], policies: few });
    await ask(limited, 1, { url: '/v1/%zz', headers: from('203.0.113.1') });
    const [own] = await ask(limited, 1, { url: '/v1/plain/1', headers: from('203.0.113.1') });
    expect(own?.headers['ratelimit']).toBe('"default";r=0;t=60');
    const [other] = await ask(limited, 1, { url: LONG, headers: from('203.0.113.2') });
    expect(other?.headers['ratelimit']).toBe('"default";r=1;t=30');
  });

  it.each(['application/json', 'text/plain'])(
    'is refused for itself, whatever its body is (%s)',
    async (type) => {
      const limited = await start({ controllers: [PlainController] });
      const [answer] = await ask(limited, 1, {
        url: '/v1/plain/%zz',
        method: 'POST',
        headers: { 'content-type': type },
        payload: '{',
      });
      expect([answer?.statusCode, answer?.json()]).toMatchObject([400, { type: '/problems/bad-request' }]);
    },
  );

  it('is served by no route that serves whatever else is asked for', async () => {
    const limited = await start({ controllers: [PlainController, RestController] });
    const [page] = await ask(limited, 1, { url: '/anything' });
    const [refused] = await ask(limited, 1, { url: '/%zz?at=1' });
    expect(page?.body).toBe('page');
    expect([refused?.statusCode, refused?.json<object>()]).toMatchObject([
      400,
      { status: 400, instance: '/%zz' },
    ]);
  });

  it('is 503 where nobody can count', async () => {
    const deny = { default: { limits: [{ ...few.default.limits[0], outage: 'deny' as const }] } };
    const limited = await start({ controllers: [PlainController], policies: deny, lost: true });
    const [answer] = await ask(limited, 1, { url: '/v1/%zz' });
    expect(answer?.statusCode).toBe(503);
  });
});

it('an address elsewhere that the router refuses is answered with its own error, and not counted', async () => {
  const limited = await start({ controllers: [PlainController], policies: few });
  for (const answer of await ask(limited, 4, { url: '/%zz' })) {
    expect(answer.statusCode).toBe(400);
    expect(answer.headers).not.toHaveProperty('ratelimit');
  }
});

it('a request below /v1 that expects something unknown is limited by the default policy', async () => {
  const { app, records } = await start({ controllers: [PlainController], policies: few });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const statuses = [];
  for (let at = 0; at < 3; at += 1) {
    const asked = get({ port, path: '/v1/plain/1', headers: { expect: '200-ok' }, agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    statuses.push(answer.statusCode);
    answer.resume();
  }
  expect(statuses).toEqual([417, 417, 429]);
  expect(records.map(({ rateLimitState }) => rateLimitState)).toEqual(['allow', 'allow', 'throttle']);
});
