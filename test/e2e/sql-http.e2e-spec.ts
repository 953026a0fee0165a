import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { DatabaseModule } from '../../src/database/index.js';
import { DescribedAnswers } from '../support/described-answers.js';
import { freshDatabase } from '../support/postgres.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const TOKEN = 'ops-token-of-at-least-thirty-two-characters';
const OPS = { authorization: `Bearer ${TOKEN}` };

let proxy: TcpProxy;
let app: NestFastifyApplication;
const answers = new DescribedAnswers();
beforeAll(async () => {
  const url = new URL(await freshDatabase());
  proxy = await startTcpProxy({ targetPort: Number(url.port) });
  url.port = String(proxy.port);
  const env = {
    APP_PROFILE: 'test',
    OPS_TOKEN: TOKEN,
    DATABASE_URL: url.href,
    DATABASE_CONNECT_MS: '500',
    DATABASE_PROBE_INTERVAL_MS: '200',
  };
  const imports = [DatabaseModule.forFeature('feature-of-a-test', { connections: 2 })];
  app = await createHttpApp(AppModule.register({ env, imports }), { logger: false });
  answers.watch(app);
  await app.init();
});
afterAll(async () => {
  await app?.close();
  await proxy?.stop();
  answers.settle();
});

const get = async (url: string) => {
  const answer = await app.inject({ url, headers: OPS });
  return {
    status: answer.statusCode,
    text: answer.body,
    body: answer.body.startsWith('{') ? answer.json() : {},
  };
};
const shown = async (status: number) =>
  waitFor(async () => (await get('/readyz/sql')).status === status, { what: `SQL to answer ${status}` });

describe('an application with SQL', () => {
  it('shows it beside the other compartments', async () => {
    expect((await get('/readyz')).body).toMatchObject({
      status: 'ok',
      purposes: { sql: { status: 'up', engine: 'postgres' } },
    });
    const { body } = await get('/v1/isolation');
    const share = { feature: 'feature-of-a-test', connections: 2, in_use: 0, waiting: 0 };
    expect(body).toMatchObject({
      sql: {
        engine: 'postgres',
        state: 'up',
        outage: 'closed',
        shares: expect.arrayContaining([share]) as object,
      },
    });
    const { text } = await get('/metrics');
    expect(text).toContain('infra_sql_up{mode="postgres"} 1');
    expect(text).toContain('infra_sql_in_use{feature="feature-of-a-test"} 0');
  });

  it.each([
    ['refuses', () => proxy.refuse(), 'refused'],
    ['is mute', () => proxy.blackHole(), 'timeout'],
  ])('goes on without it while it %s, says so, and finds it again', async (_name, begin, reason) => {
    await begin();
    await shown(503);
    expect(await get('/readyz/sql')).toMatchObject({ status: 503, body: { status: 'down', reason } });
    expect(await get('/readyz')).toMatchObject({
      status: 200,
      body: { status: 'degraded', purposes: { sql: { status: 'down' }, authCache: { status: 'up' } } },
    });
    for (const url of ['/livez', '/v1/isolation', '/metrics', '/readyz/authCache'])
      expect([url, (await get(url)).status]).toEqual([url, 200]);
    expect((await get('/metrics')).text).toContain('infra_sql_up{mode="postgres"} 0');
    await proxy.pass();
    await shown(200);
    expect((await get('/readyz')).body).toMatchObject({ status: 'ok' });
  });

  it('ends within its budget although SQL is mute', async () => {
    await proxy.blackHole();
    const started = performance.now();
    await app.close();
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
