import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { DescribedAnswers } from '../support/described-answers.js';
import { NO_FEATURES } from '../support/no-features.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const TOKEN = 'ops-token-of-at-least-thirty-two-characters';
const OPS = { authorization: `Bearer ${TOKEN}` };

describeReal('What operators order over HTTP about streams, and about anything in an outage', () => {
  let server: RedisServer;
  let app: NestFastifyApplication;
  const answers = new DescribedAnswers();

  beforeAll(async () => {
    server = await startRedisServer();
    const env = { APP_PROFILE: 'test', REDIS_URL: server.url(), OPS_TOKEN: TOKEN };
    app = await createHttpApp(AppModule.register({ env, ...NO_FEATURES }), { logger: false });
    answers.watch(app);
    await app.init();
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
    answers.settle();
  });

  type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
  const ask = async (method: Method, path: string, payload?: object) => {
    const body = payload === undefined ? {} : { payload };
    const answer = await app.inject({ method, url: `/v1/rate-limit${path}`, headers: OPS, ...body });
    return { statusCode: answer.statusCode, json: () => answer.json<Record<string, unknown>>() };
  };
  const facts = async () => (await ask('GET', '/store')).json();

  beforeEach(async () => {
    await server.admin().flushall();
    const clean = async () => {
      const { blocked, overrides } = await facts();
      return blocked === 0 && overrides === 0;
    };
    await waitFor(clean, { what: 'nothing to be set' });
  });

  it('a number of streams is set, listed, shown beside its quota, and removed', async () => {
    const place = { stream_quota: 'chat', limit: 'chat-tenant' };
    const acme = { ...place, subject: 'acme-corporation' };
    expect((await ask('PUT', '/overrides', { ...acme, streams: 70 })).statusCode).toBe(204);
    expect((await ask('PUT', '/overrides', { ...place, pattern: 'gold-*', streams: 500 })).statusCode).toBe(
      204,
    );
    expect((await ask('GET', '/overrides')).json()['overrides']).toEqual(
      expect.arrayContaining([
        { ...place, id: expect.any(String), label: 'ac***', streams: 70, in_force: true },
        { ...place, pattern: 'gold-*', streams: 500, in_force: true },
      ]),
    );
    expect((await ask('GET', '/store')).json()['stream_quotas']).toContainEqual({
      name: 'chat',
      lease_ms: 45_000,
      outage: 'local',
      limits: [
        { name: 'chat-tenant', per: 'tenant', streams: 50 },
        { name: 'chat-user', per: 'user', streams: 5 },
        { name: 'chat-ip', per: 'ip', streams: 5 },
      ],
    });
    expect((await ask('DELETE', '/overrides', acme)).json()).toEqual({ lifted: true });
    expect((await ask('DELETE', '/overrides', acme)).json()).toEqual({ lifted: false });
    expect((await ask('DELETE', '/overrides', { ...place, pattern: 'gold-*' })).json()).toEqual({
      lifted: true,
    });
    const blocked = { dimension: 'tenant', subject: 'acme-corporation' };
    expect((await ask('POST', '/blocks', { ...blocked, for_ms: 1000 })).statusCode).toBe(201);
  });

  const numbers = { quota: 5, window_ms: 1000, burst: 5 };
  const streams = { stream_quota: 'chat', limit: 'chat-user' };
  const limit = { policy: 'default', limit: 'default' };
  it.each([
    ['PUT', '/overrides', { ...limit, pattern: '*', streams: 5 }],
    ['PUT', '/overrides', { ...streams, pattern: '*' }],
    ['PUT', '/overrides', { ...streams, streams: 5 }],
    ['PUT', '/overrides', { ...streams, pattern: '*', streams: 0 }],
    ['PUT', '/overrides', { ...streams, pattern: '*', streams: 1.5 }],
    ['PUT', '/overrides', { ...streams, pattern: '*', streams: '5' }],
    ['PUT', '/overrides', { ...streams, pattern: '*', streams: 100_001 }],
    ['PUT', '/overrides', { ...streams, pattern: '*', streams: 5, mode: 'shadow' }],
    ['PUT', '/overrides', { ...streams, pattern: '*', exempt: true }],
    ['PUT', '/overrides', { ...streams, pattern: '*', ...numbers }],
    ['PUT', '/overrides', { ...streams, policy: 'default', pattern: '*', streams: 5 }],
    ['PUT', '/overrides', { stream_quota: 'chat', pattern: '*', streams: 5 }],
    ['PUT', '/overrides', { ...streams, limit: 'chat', pattern: '*', streams: 5 }],
    ['PUT', '/overrides', { ...streams, stream_quota: 'caht', pattern: '*', streams: 5 }],
    ['DELETE', '/overrides', { stream_quota: 'chat' }],
    ['DELETE', '/overrides', { ...streams }],
  ] as const)('bad input is a 422, and changes nothing: %s %s %j', async (method, path, body) => {
    const answer = await ask(method, path, body);
    expect([answer.statusCode, answer.json()]).toMatchObject([422, { status: 422 }]);
    expect(await facts()).toMatchObject({ blocked: 0, overrides: 0 });
    expect(await server.admin().keys('rl:{g}:[vbo]*')).toEqual([]);
  });

  it('what cannot be done because Redis is away is a 503, whatever it is, and can be done when it is back', async () => {
    const healthy = async () => (await facts())['healthy'] === true;
    await server.kill9();
    await waitFor(async () => !(await healthy()), { what: 'the outage' });
    const who = { dimension: 'ip', subject: '203.0.113.9' };
    for (const [method, path, body] of [
      ['POST', '/blocks', { ...who, for_ms: 1000 }],
      ['DELETE', '/blocks', who],
      ['DELETE', '/blocks', { dimension: 'ip', id: 'wrVHtGivwNPwRKA3' }],
      ['PUT', '/overrides', { policy: 'default', mode: 'shadow' }],
      ['PUT', '/overrides', { stream_quota: 'chat', limit: 'chat-user', pattern: '*', streams: 9 }],
      ['DELETE', '/overrides', { stream_quota: 'chat', limit: 'chat-user', pattern: '*' }],
      ['POST', '/reset', { ...who, policies: ['default'] }],
    ] as const) {
      const answer = await ask(method, path, body);
      expect([method, path, answer.statusCode]).toEqual([method, path, 503]);
      expect(answer.json()).toMatchObject({
        type: '/problems/compartment-unavailable',
        purpose: 'rateLimit',
      });
    }
    await server.start();
    await waitFor(healthy, { what: 'the return', timeoutMs: 15_000 });
    const reset = await ask('POST', '/reset', { ...who, policies: ['default'] });
    expect(reset.json()).toEqual({ backend: 'redis', degraded: false });
  });
});
