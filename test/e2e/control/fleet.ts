import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { ConfigModule, type Environment } from '../../../src/config/index.js';
import {
  type PolicyTable,
  RateLimitControl,
  RateLimitModule,
  RateLimitStore,
  RateLimiter,
  StreamQuotas,
} from '../../../src/rate-limit/index.js';
import { RedisModule } from '../../../src/redis/index.js';
import { Metrics, TelemetryModule } from '../../../src/telemetry/index.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../../support/tcp-proxy.js';

@Module({})
class Root {}

const HOUR_MS = 3_600_000;

/** Windows so long that nothing is earned back while a test runs. */
export const POLICIES = {
  api: { limits: [{ per: 'tenant', quota: 100, windowMs: HOUR_MS, burst: 10 }] },
  chat: { limits: [{ per: 'user', kind: 'window', quota: 10, windowMs: HOUR_MS }] },
  shared: {
    limits: [
      { per: 'tenant', quota: 1000, windowMs: HOUR_MS, burst: 1000 },
      { per: 'global', quota: 20, windowMs: HOUR_MS, burst: 20 },
    ],
  },
} as const satisfies PolicyTable;

/** Lines of the log of all instances, level first: Nest has one logger for a process. */
export const logged: string[] = [];
const note =
  (level: string) =>
  (text: unknown, ...more: unknown[]): void =>
    void logged.push(`${level} ${String(text)} ${JSON.stringify(more)}`);
const logger = { log: note('log'), warn: note('warn'), error: note('error') };

/** One instance of the rate-limit module, in an application of its own. */
export interface Instance {
  readonly app: INestApplicationContext;
  readonly limiter: RateLimiter<typeof POLICIES>;
  readonly control: RateLimitControl;
  readonly store: RateLimitStore;
  readonly streams: StreamQuotas;
  /** The value of a series; 0 where there is none. */
  metric(series: string): Promise<number>;
}

export async function openInstance(env: Environment): Promise<Instance> {
  const imports: NonNullable<DynamicModule['imports']> = [
    TelemetryModule,
    RedisModule.forRoot(),
    RateLimitModule.forRoot({ policies: POLICIES }),
  ];
  const root: DynamicModule = { module: Root, imports };
  imports.push(await ConfigModule.forRoot(root, { APP_PROFILE: 'test', ...env }));
  const app = await NestFactory.createApplicationContext(root, { logger, abortOnError: false });
  const metrics = app.get(Metrics, { strict: false });
  return {
    app,
    limiter: app.get(RateLimiter, { strict: false }),
    control: app.get(RateLimitControl, { strict: false }),
    store: app.get(RateLimitStore, { strict: false }),
    streams: app.get(StreamQuotas, { strict: false }),
    metric: async (series) => {
      const line = (await metrics.registry.metrics()).split('\n').find((one) => one.startsWith(`${series} `));
      return Number(line?.slice(series.length + 1) ?? 0);
    },
  };
}

/** What the tests of a file have at hand: a server of their own, empty before each, behind a proxy. */
export interface Fleet {
  readonly server: RedisServer;
  readonly proxy: TcpProxy;
  /** One more instance; it is closed after the test. */
  open(env?: Environment): Promise<Instance>;
}

/** @param own settings of every instance, beside where its Redis is */
export function useFleet(options: RedisServerOptions = {}, own: Environment = {}): Fleet {
  let server: RedisServer;
  let proxy: TcpProxy;
  const running: Instance[] = [];

  beforeAll(async () => {
    server = await startRedisServer(options);
  });
  beforeEach(async () => {
    await server.admin().flushall();
    logged.splice(0);
    proxy = await startTcpProxy({ targetPort: server.port });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ app }) => app.close()));
    await proxy.stop();
  });
  afterAll(() => server.stop());

  return {
    get server() {
      return server;
    },
    get proxy() {
      return proxy;
    },
    async open(env = {}) {
      const instance = await openInstance({
        RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        // A budget for a machine on which other tests run; 50 ms is for production.
        RATE_LIMIT_REDIS_COMMAND_MS: '1s',
        REDIS_PROBE_INTERVAL_MS: '100ms',
        REDIS_RETRY_CAP_MS: '200ms',
        ...own,
        ...env,
      });
      running.push(instance);
      return instance;
    },
  };
}
