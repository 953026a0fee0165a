import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigModule, type Environment } from '../../src/config/index.js';
import {
  type RateLimitModuleOptions,
  RateLimitModule,
  RateLimitRootError,
  RateLimiter,
} from '../../src/rate-limit/index.js';
import { RedisModule } from '../../src/redis/index.js';
import { Metrics, TelemetryModule } from '../../src/telemetry/index.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { withEngine } from './support/engine.js';

@Module({})
class Root {}

class Lines {
  readonly all: string[] = [];
  readonly log = (text: unknown): void => void this.all.push(`log ${String(text)}`);
  readonly warn = (text: unknown): void => void this.all.push(`warn ${String(text)}`);
  readonly error = (text: unknown): void => void this.all.push(`error ${String(text)}`);

  matching(pattern: RegExp): string[] {
    return this.all.filter((line) => pattern.test(line));
  }
}

const CONNECTED = /^log Redis rate limiting backend connected$/;

/** The module in an application of its own, as the real one imports it. */
async function boot(env: Environment, options: RateLimitModuleOptions = {}, features: DynamicModule[] = []) {
  const imports: DynamicModule['imports'] = [
    TelemetryModule,
    RedisModule.forRoot(),
    RateLimitModule.forRoot(options),
    ...features,
  ];
  const root: DynamicModule = { module: Root, imports };
  imports.push(await ConfigModule.forRoot(root, env));
  const lines = new Lines();
  const app = await NestFactory.createApplicationContext(root, { logger: lines, abortOnError: false });
  const limiter = app.get<RateLimiter>(RateLimiter);
  const check = (ip = '192.0.2.1') => limiter.check('default', { ip });
  return { app, lines, check, metrics: app.get(Metrics) };
}

describe('The rate-limit module with RATE_LIMIT_BACKEND=memory', () => {
  const env = { RATE_LIMIT_BACKEND: 'memory', RATE_LIMIT_KEY_SECRET: 'k'.repeat(32) };
  let app: INestApplicationContext | undefined;
  afterEach(() => app?.close());

  it('starts in production without a URL, announced as degraded', async () => {
    const booted = await boot({ ...env, APP_PROFILE: 'production' });
    app = booted.app;
    expect(booted.lines.matching(/^error PRODUCTION DEGRADED: RATE_LIMIT_BACKEND=memory/)).toHaveLength(1);
    expect(booted.lines.matching(CONNECTED)).toEqual([]);
    expect(await booted.check()).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
  });

  it('calls it a choice, not a degradation, on a developer’s machine', async () => {
    const booted = await boot({ ...env, APP_PROFILE: 'development' });
    app = booted.app;
    expect(booted.lines.matching(/^warn RATE_LIMIT_BACKEND=memory/)).toHaveLength(1);
    expect(await booted.check()).toMatchObject({ backend: 'memory', degraded: false });
  });
});

describe('What a feature gives to the rate-limit module', () => {
  const env = {
    APP_PROFILE: 'development',
    RATE_LIMIT_BACKEND: 'memory',
    RATE_LIMIT_KEY_SECRET: 'k'.repeat(32),
  };
  const limits = [{ per: 'ip', quota: 7, windowMs: 1000, burst: 7 }] as const;
  const concurrent = [{ per: 'ip', streams: 1 }] as const;

  it('refuses the start where it does so by a forRoot of its own, which would be lost', async () => {
    @Module({})
    class Feature {}
    const feature = {
      module: Feature,
      imports: [RateLimitModule.forRoot({ policies: { export: { limits } } })],
    };
    const refused: unknown = await boot(env, {}, [feature]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RateLimitRootError);
    expect((refused as RateLimitRootError).report()).toMatch(
      /^Refusing to start: rate limiting\n {2}RateLimitModule\.forRoot\(\) is called 2 times \(nothing; policies export\), .*app\.features\.ts$/,
    );
  });

  it('is named in the log where it replaces what the house has', async () => {
    const policies = { default: { limits }, export: { limits } };
    const booted = await boot(env, { policies, streamQuotas: { chat: { concurrent }, own: { concurrent } } });
    const replaced = booted.lines.matching(/is replaced by a feature/);
    expect(replaced.map((line) => line.slice(0, line.indexOf(' of the house')))).toEqual([
      'warn The policy "default"',
      'warn The stream quota "chat"',
    ]);
    expect((await booted.check()).limits).toMatchObject([{ remaining: 6 }]);
    await booted.app.close();
  });

  it('refuses the start with the settings, where RATE_LIMIT_SHADOW names a policy that nobody has', async () => {
    const policies = { export: { limits } };
    await expect(boot({ ...env, RATE_LIMIT_SHADOW: 'export,exprot' }, { policies })).rejects.toThrow(
      expect.objectContaining({
        faults: [
          {
            variable: 'RATE_LIMIT_SHADOW',
            rule: 'there is no policy "exprot", so nothing would be in shadow mode by that name',
            remedy: 'Policies are default, signup, stream-connect, webhook-signature, export',
          },
        ],
      }),
    );
  });
});

withEngine('The rate-limit module', (engine) => {
  let proxy: TcpProxy;
  let running: Awaited<ReturnType<typeof boot>>;

  beforeEach(async () => {
    proxy = await startTcpProxy({ targetPort: engine.port });
    running = await boot({
      APP_PROFILE: 'test',
      RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      REDIS_PROBE_INTERVAL_MS: '100ms',
      REDIS_RETRY_CAP_MS: '200ms',
    });
  });
  afterEach(async () => {
    await running.app.close();
    await proxy.stop();
  });

  const decidedBy = (backend: string) =>
    waitFor(async () => (await running.check()).backend === backend, { what: `a decision of ${backend}` });

  it('says that it is connected, counts in Redis, and stores no address', async () => {
    expect(running.lines.matching(CONNECTED)).toHaveLength(1);
    const decision = await running.check();
    expect(decision).toMatchObject({ backend: 'redis', degraded: false, limits: [{ remaining: 59 }] });
    const keys = await engine.redis.keys('rl:{g}:s:*');
    expect(keys).toEqual([expect.stringMatching(/^rl:\{g\}:s:60:[01]$/)]);
    expect(await engine.redis.pttl(keys[0] ?? '')).toBeGreaterThan(0);
    const fields = (await engine.redis.hkeys(keys[0] ?? '')).filter((field) => field !== 'g');
    expect(fields).toEqual([expect.stringMatching(/^[\w-]{20}$/)]);
  });

  it('decides in memory while Redis is gone, labelled and counted, and comes back', async () => {
    await proxy.refuse();
    const answers = await Promise.all(Array.from({ length: 100 }, () => running.check('192.0.2.2')));
    expect(answers.filter(({ allowed }) => allowed).length).toBeLessThanOrEqual(60 + 5);
    await decidedBy('memory');
    expect(await running.check()).toMatchObject({ degraded: true });
    expect(await running.metrics.registry.metrics()).toMatch(
      /infra_redis_fallback_total\{purpose="rateLimit",reason="\w+"\} [1-9]/,
    );

    await proxy.pass();
    await decidedBy('redis');
    expect(running.lines.matching(CONNECTED)).toHaveLength(2);
  });

  it('answers within its budget when Redis accepts and says nothing', async () => {
    await proxy.blackHole();
    const startMs = performance.now();
    expect(await running.check()).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
    // A call may take 50 ms; ten times that is no hang on a busy machine.
    expect(performance.now() - startMs).toBeLessThan(500);
    await proxy.pass();
    await decidedBy('redis');
  });
});
