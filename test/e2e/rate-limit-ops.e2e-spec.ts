import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { DescribedAnswers } from '../support/described-answers.js';
import { NO_FEATURES } from '../support/no-features.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const TOKEN = 'ops-token-of-at-least-thirty-two-characters';
const OPS = { authorization: `Bearer ${TOKEN}` };
const BASE = '/v1/rate-limit';
/** Addresses of clients; the application believes one proxy. */
const from = (address: string) => ({ 'x-forwarded-for': address });

describeReal('The endpoints for operators of rate limits', () => {
  let server: RedisServer;
  const apps: NestFastifyApplication[] = [];
  const answers = new DescribedAnswers();

  beforeAll(async () => {
    server = await startRedisServer();
    for (let at = 0; at < 2; at += 1) {
      const env = { APP_PROFILE: 'test', REDIS_URL: server.url(), OPS_TOKEN: TOKEN, TRUST_PROXY: '1' };
      const app = await createHttpApp(AppModule.register({ env, ...NO_FEATURES }), { logger: false });
      answers.watch(app);
      await app.init();
      apps.push(app);
    }
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await server.stop();
    answers.settle();
  });
  beforeEach(async () => {
    await server.admin().flushall();
    for (const at of [0, 1]) {
      const clean = async () => {
        const { blocked, overrides } = (await ask('GET', '/store', undefined, at)).json();
        return blocked + overrides === 0;
      };
      await waitFor(clean, { what: 'nothing to be set' });
    }
  });

  type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
  const ask = async (method: Method, path: string, payload?: unknown, at = 0) => {
    const body = payload === undefined ? {} : { payload: payload as object };
    const answer = await apps[at]!.inject({ method, url: BASE + path, headers: OPS, ...body });
    const { statusCode, headers } = answer;
    return { statusCode, type: String(headers['content-type']), json: () => answer.json<Answer>() };
  };
  /** Members of any answer here. */
  type Answer = Readonly<Record<string, never>> & { readonly blocked: number; readonly overrides: number };
  const request = (address: string, at = 0) =>
    apps[at]!.inject({ url: '/v1/isolation', headers: { ...OPS, ...from(address) } });

  it.each([
    ['GET', '/store'],
    ['GET', '/blocks'],
    ['POST', '/blocks'],
    ['DELETE', '/blocks'],
    ['GET', '/overrides'],
    ['PUT', '/overrides'],
    ['DELETE', '/overrides'],
    ['POST', '/reset'],
  ] as const)('%s %s is for operators', async (method, path) => {
    const answer = await apps[0]!.inject({ method, url: BASE + path, payload: {} });
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ type: '/problems/ops-token-required' });
  });

  it('the store says who counts, how many instances share, and every limit', async () => {
    const { statusCode, json } = await ask('GET', '/store');
    expect(statusCode).toBe(200);
    expect(json()).toMatchObject({
      backend: 'redis',
      configured: 'redis',
      since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      healthy: true,
      breaker: { state: 'closed' },
      instances: { count: expect.any(Number) as number, source: 'heartbeat' },
      canary_percent: 100,
      subjects: expect.any(Number) as number,
      blocked: 0,
      overrides: 0,
      version: expect.any(Number) as number,
      shadowed: [],
    });
    expect(json()['policies']).toContainEqual({
      name: 'default',
      mode: 'enforce',
      limits: [
        {
          name: 'default',
          per: 'ip',
          kind: 'rate',
          quota: 300,
          window_ms: 60_000,
          burst: 60,
          outage: 'local',
        },
      ],
    });
  });

  it('a block denies a client everywhere, is listed without its address, and is lifted', async () => {
    const set = await ask('POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 60_000 });
    expect(set.statusCode).toBe(201);
    expect(set.json()).toEqual({
      dimension: 'ip',
      id: expect.stringMatching(/^[\w-]{16}$/) as string,
      label: '203.0.113.*',
      until: expect.stringMatching(/Z$/) as string,
    });
    const denied = await request('203.0.113.9');
    expect(denied.statusCode).toBe(429);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(50);
    await waitFor(async () => (await request('203.0.113.9', 1)).statusCode === 429, {
      what: 'the block elsewhere',
    });
    expect((await request('203.0.113.10')).statusCode).toBe(200);
    const listed = await ask('GET', '/blocks', undefined, 1);
    expect(listed.json()).toEqual({ blocks: [expect.objectContaining({ label: '203.0.113.*' })] });

    const lifted = { dimension: 'ip', subject: '203.0.113.9' };
    expect((await ask('DELETE', '/blocks', lifted, 1)).json()).toEqual({ lifted: true });
    expect((await ask('DELETE', '/blocks', lifted, 1)).json()).toEqual({ lifted: false });
    expect((await request('203.0.113.9', 1)).statusCode).toBe(200);
    await waitFor(async () => (await request('203.0.113.9')).statusCode === 200, {
      what: 'its end elsewhere',
    });
  });

  it('whoever has blocked an own address can lift the block', async () => {
    await ask('POST', '/blocks', { dimension: 'ip', subject: '127.0.0.1', for_ms: 60_000 });
    expect((await request('127.0.0.1')).statusCode).toBe(429);
    const [block] = (await ask('GET', '/blocks')).json()['blocks'] as unknown as { id: string }[];
    const answer = await ask('DELETE', '/blocks', { dimension: 'ip', id: block?.id });
    expect(answer.json()).toEqual({ lifted: true });
    expect((await request('127.0.0.1')).statusCode).toBe(200);
  });

  it('an override is set, listed, obeyed and removed', async () => {
    const place = { policy: 'default', limit: 'default', subject: '203.0.113.20' };
    const numbers = { quota: 60, window_ms: 3_600_000, burst: 2 };
    expect((await ask('PUT', '/overrides', { ...place, ...numbers })).statusCode).toBe(204);
    const pattern = { policy: 'default', limit: 'default', pattern: '198.51.100.*' };
    expect((await ask('PUT', '/overrides', { ...pattern, exempt: true })).statusCode).toBe(204);
    expect((await ask('PUT', '/overrides', { policy: 'signup', mode: 'shadow' })).statusCode).toBe(204);
    expect((await ask('GET', '/overrides')).json()['overrides']).toEqual(
      expect.arrayContaining([
        {
          policy: 'default',
          limit: 'default',
          id: expect.any(String),
          label: '203.0.113.*',
          ...numbers,
          in_force: true,
        },
        { ...pattern, exempt: true, in_force: true },
        { policy: 'signup', mode: 'shadow', in_force: true },
      ]),
    );
    expect((await ask('GET', '/store')).json()).toMatchObject({ overrides: 3, shadowed: ['signup'] });
    const codes = [];
    for (let at = 0; at < 3; at += 1) codes.push((await request('203.0.113.20')).statusCode);
    expect(codes).toEqual([200, 200, 429]);
    expect((await request('198.51.100.7')).headers['ratelimit-policy']).toBeUndefined();

    expect(
      (
        await ask('POST', '/reset', {
          policies: ['default'],
          dimension: 'ip',
          subject: '203.0.113.20',
        })
      ).json(),
    ).toEqual({ backend: 'redis', degraded: false });
    expect((await request('203.0.113.20')).statusCode).toBe(200);

    expect((await ask('DELETE', '/overrides', place)).json()).toEqual({ lifted: true });
    expect((await ask('DELETE', '/overrides', place)).json()).toEqual({ lifted: false });
    expect((await ask('DELETE', '/overrides', pattern)).json()).toEqual({ lifted: true });
    expect((await ask('DELETE', '/overrides', { policy: 'signup' })).json()).toEqual({ lifted: true });
    expect((await request('203.0.113.20')).headers['ratelimit-policy']).toContain('q=300');
  });

  describe('bad input is a problem, and changes nothing', () => {
    const limit = { policy: 'default', limit: 'default' };
    const numbers = { quota: 5, window_ms: 1000, burst: 5 };
    it.each([
      ['POST', '/blocks', {}],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 0 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: -5 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 1.5 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: '60000' }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 1e15 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '', for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'ip', subject: 'x'.repeat(1025), for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'ip', subject: 'not an address', for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.0/24', for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'nonsense', subject: 'x', for_ms: 1000 }],
      ['POST', '/blocks', { dimension: '__proto__', subject: 'x', for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'ip', subject: ['203.0.113.9'], for_ms: 1000 }],
      ['POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 1000, extra: 1 }],
      ['POST', '/blocks', []],
      ['DELETE', '/blocks', { dimension: 'ip' }],
      ['DELETE', '/blocks', { dimension: 'ip', subject: '203.0.113.9', id: 'wrVHtGivwNPwRKA3' }],
      ['DELETE', '/blocks', { dimension: 'ip', id: 'short' }],
      ['PUT', '/overrides', { ...limit, ...numbers }],
      ['PUT', '/overrides', { ...limit, ...numbers, subject: '203.0.113.9', pattern: '*' }],
      ['PUT', '/overrides', { ...limit, pattern: '*' }],
      ['PUT', '/overrides', { ...limit, pattern: '*', exempt: true, mode: 'shadow' }],
      ['PUT', '/overrides', { ...limit, pattern: '*', exempt: false }],
      ['PUT', '/overrides', { ...limit, pattern: '*', mode: 'enforce' }],
      ['PUT', '/overrides', { ...limit, pattern: '*', mode: 'off' }],
      ['PUT', '/overrides', { ...limit, pattern: '*', ...numbers, quota: 0 }],
      ['PUT', '/overrides', { ...limit, pattern: '*', ...numbers, window_ms: -1 }],
      ['PUT', '/overrides', { ...limit, pattern: '*', ...numbers, burst: 6 }],
      ['PUT', '/overrides', { ...limit, pattern: '*', quota: 5, window_ms: 1000 }],
      ['PUT', '/overrides', { ...limit, pattern: 'p'.repeat(129), exempt: true }],
      ['PUT', '/overrides', { ...limit, pattern: 'two\nlines', exempt: true }],
      ['PUT', '/overrides', { policy: 'nonsense', mode: 'shadow' }],
      ['PUT', '/overrides', { policy: 'default', limit: 'nonsense', pattern: '*', exempt: true }],
      ['PUT', '/overrides', { policy: 'default', exempt: true }],
      ['PUT', '/overrides', { policy: 'default', mode: 'shadow', pattern: '*' }],
      ['DELETE', '/overrides', { policy: 'No name' }],
      ['DELETE', '/overrides', { ...limit }],
      ['POST', '/reset', { policies: [], dimension: 'ip', subject: '203.0.113.9' }],
      ['POST', '/reset', { policies: ['nonsense'], dimension: 'ip', subject: '203.0.113.9' }],
      ['POST', '/reset', { policies: ['default'], dimension: 'user', subject: 'ada' }],
      ['POST', '/reset', { policies: ['default'], dimension: 'ip' }],
      ['POST', '/reset', { policies: 'default', dimension: 'ip', subject: '203.0.113.9' }],
    ] as const)('%s %s %j', async (method, path, body) => {
      const answer = await ask(method, path, body);
      expect(answer.statusCode).toBe(422);
      expect(answer.type).toContain('application/problem+json');
      expect(JSON.stringify(answer.json())).not.toContain('203.0.113.9');
      expect((await ask('GET', '/store')).json()).toMatchObject({ blocked: 0, overrides: 0 });
      expect(await server.admin().keys('rl:{g}:[vbo]*')).toEqual([]);
    });

    it('a body that is no JSON', async () => {
      const headers = { ...OPS, 'content-type': 'application/json' };
      const answer = await apps[0]!.inject({
        method: 'POST',
        url: `${BASE}/blocks`,
        headers,
        payload: '{"a":',
      });
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ type: '/problems/malformed-body' });
    });
  });

  it('what cannot be set because Redis is away is a 503', async () => {
    const [app] = apps;
    await server.kill9();
    const healthy = async () =>
      ((await ask('GET', '/store')).json() as unknown as { healthy: boolean }).healthy;
    await waitFor(async () => !(await healthy()), { what: 'the outage' });
    expect((await ask('GET', '/store')).json()).toMatchObject({
      backend: 'memory',
      breaker: { state: 'open' },
    });
    const answer = await ask('POST', '/blocks', { dimension: 'ip', subject: '203.0.113.9', for_ms: 1000 });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ type: '/problems/compartment-unavailable', purpose: 'rateLimit' });
    const ready = await app!.inject({ url: '/readyz/rateLimit', headers: OPS });
    expect(ready.json()).toMatchObject({
      status: 'degraded',
      rate_limit: { backend: 'memory', healthy: false },
    });
    await server.start();
    await waitFor(healthy, { what: 'the return', timeoutMs: 15_000 });
  });

  it('says what other numbers lack or break, all at once and in the names of the body', async () => {
    const place = { policy: 'default', limit: 'default', subject: '203.0.113.9' };
    const faults = async (numbers: object) => {
      const { statusCode, json } = await ask('PUT', '/overrides', { ...place, ...numbers });
      expect(statusCode).toBe(422);
      return json()['faults'];
    };
    expect(await faults({ quota: 5 })).toEqual([
      'Other numbers need window_ms.',
      'Other numbers need burst.',
    ]);
    expect(await faults({ quota: 5, window_ms: 0, burst: 9 })).toEqual([
      'Policy "default": limit "default": window_ms 0 must be at least 1 ms',
      'Policy "default": limit "default": quota 5 must be at most one unit per microsecond',
      'Policy "default": limit "default": burst 9 must not exceed the quota 5',
    ]);
  });
});
