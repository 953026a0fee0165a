import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApplication, startApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { OPS_TOKEN } from './support/house.js';
import { addressOf } from './support/limiter-rig.js';
import { startLimitedApplication } from './support/limited-application.js';
import { type Site, closeSite, openSite } from './support/site.js';

const ANSWER_MS = 500;
const BACK_MS = 3000;
const HEADERS = { authorization: `Bearer ${OPS_TOKEN}` };

interface Answer {
  readonly status: number;
  readonly ms: number;
  readonly headers: Headers;
  readonly problem: { readonly type?: string };
}

describeReal('Over HTTP, while Redis does not count', () => {
  let site: Site;
  let other: RedisServer;
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    [site, other] = await Promise.all([
      openSite({ purpose: 'rateLimit', user: 'rl-app' }),
      startRedisServer(),
    ]);
  });
  afterAll(async () => {
    await Promise.all(closers.map((close) => close()));
    await Promise.all([closeSite(site), other.stop()]);
  });

  const env = () => ({ ...addressOf(site), REDIS_URL: other.url(), OPS_TOKEN });

  it('a limited route answers in time, and log and metric say who decided', async () => {
    const app = await start();
    const url = `${app.origin}/v1/isolation`;
    expect((await ask(url)).status).toBe(200);
    await waitFor(() => decidedBy(app, 'redis'), { what: 'a decision of Redis' });
    await site.server.freeze();
    const answers: Answer[] = [];
    await waitFor(
      async () => {
        answers.push(await ask(url));
        return answers.length > 30 && decidedBy(app, 'memory');
      },
      { what: 'decisions of this instance' },
    );
    const slowestMs = Math.max(...answers.map(({ ms }) => ms));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(slowestMs).toBeLessThan(ANSWER_MS);
    expect(answers.at(-1)?.headers.get('ratelimit')).toBeTruthy();
    expect(app.output()).toMatch(/"rate_limit_degraded":true/);
    expect(await (await fetch(`${app.origin}/metrics`, { headers: HEADERS })).text()).toMatch(
      /infra_redis_fallback_total\{purpose="rateLimit",reason="timeout"\} [1-9]/,
    );
    site.server.thaw();
    const backMs = await since(() => ask(url).then(() => lastDecidedBy(app) === 'redis'));
    process.stdout.write(
      `  frozen, over HTTP: slowest ${slowestMs.toFixed(0)} ms of ${answers.length}, back after ${backMs.toFixed(0)} ms\n`,
    );
    expect(backMs).toBeLessThan(BACK_MS);
  });

  it('a limited route answers 503 where the purpose is closed', async () => {
    const app = await start({ RATE_LIMIT_REDIS_OUTAGE: 'closed' });
    const url = `${app.origin}/v1/isolation`;
    await waitFor(async () => (await ask(url)).status === 200, { what: 'a decision of Redis' });
    await site.proxy.refuse();
    await waitFor(async () => (await ask(`${app.origin}/readyz/rateLimit`)).status === 503, {
      what: 'the loss',
    });
    const { status, ms, headers, problem } = await ask(url);
    expect({ status, type: problem.type }).toEqual({
      status: 503,
      type: expect.stringMatching(/compartment-unavailable$/),
    });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(ms).toBeLessThan(ANSWER_MS);
    expect((await ask(`${app.origin}/livez`)).status).toBe(200);
    await site.proxy.pass();
    expect(await since(async () => (await ask(url)).status === 200)).toBeLessThan(BACK_MS);
  });

  it('a limit that lets nobody pass uncounted answers 503 with a time to wait', async () => {
    const { app, origin } = await startLimitedApplication({ ...env(), LOG_LEVEL: 'fatal' });
    closers.push(() => app.close());
    const url = `${origin}/v1/guarded`;
    await waitFor(async () => (await ask(url)).status === 200, { what: 'a decision of Redis' });
    await site.proxy.refuse();
    await waitFor(async () => (await ask(url)).status !== 200, { what: 'the loss' });
    const { status, ms, headers, problem } = await ask(url);
    expect({ status, type: problem.type }).toEqual({
      status: 503,
      type: expect.stringMatching(/temporary-reduced-capacity$/),
    });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(ms).toBeLessThan(ANSWER_MS);
    expect((await ask(`${origin}/v1/isolation`)).status).toBe(200);
    await site.proxy.pass();
    expect(await since(async () => (await ask(url)).status === 200)).toBeLessThan(BACK_MS);
  });

  async function start(extra: Readonly<Record<string, string>> = {}): Promise<RunningApplication> {
    const app = await startApplication({ ...env(), ...extra });
    closers.push(() => {
      app.process.kill('SIGKILL');
      return app.exit;
    });
    return app;
  }
});

async function ask(url: string): Promise<Answer> {
  const startMs = performance.now();
  const response = await fetch(url, { headers: HEADERS });
  const text = await response.text();
  const problem = response.ok ? {} : (JSON.parse(text) as Answer['problem']);
  return { status: response.status, ms: performance.now() - startMs, headers: response.headers, problem };
}

function lastDecidedBy({ output }: RunningApplication): string | undefined {
  return /.*"rl_backend":"(redis|memory|cache)"/s.exec(output())?.[1];
}

function decidedBy({ output }: RunningApplication, backend: string): boolean {
  return output().includes(`"rl_backend":"${backend}"`);
}

/** Milliseconds until it is so. */
async function since(isSo: () => Promise<boolean>): Promise<number> {
  const startMs = performance.now();
  await waitFor(isSo, { what: 'Redis to decide again', timeoutMs: 15_000, intervalMs: 20 });
  return performance.now() - startMs;
}
