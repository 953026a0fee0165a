import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, type Environment } from '../../../src/config/index.js';
import {
  RateLimitModule,
  type StreamOpening,
  type StreamQuotaName,
  type StreamQuotaTable,
  StreamQuotas,
  type Subjects,
} from '../../../src/rate-limit/index.js';
import { RedisModule, RedisStatus } from '../../../src/redis/index.js';
import { Metrics, TelemetryModule } from '../../../src/telemetry/index.js';

@Module({})
class Root {}

/** The rate-limit module in an application of its own, in this process. */
export interface House {
  readonly app: INestApplicationContext;
  /** By the name of a quota of the test's own, which the compiler does not know. */
  open(name: string, subjects: Subjects): Promise<StreamOpening>;
  readonly status: RedisStatus;
  /** The value of a series; 0 where there is none. */
  metric(series: string): Promise<number>;
}

export async function openHouse(
  url: string,
  streamQuotas: StreamQuotaTable,
  env: Environment = {},
): Promise<House> {
  const imports: DynamicModule['imports'] = [
    TelemetryModule,
    RedisModule.forRoot(),
    RateLimitModule.forRoot({ streamQuotas }),
  ];
  const root: DynamicModule = { module: Root, imports };
  const settings = {
    APP_PROFILE: 'test',
    RATE_LIMIT_REDIS_URL: url,
    ...env,
  };
  imports.push(await ConfigModule.forRoot(root, settings));
  const app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
  const streams = app.get(StreamQuotas, { strict: false });
  const metrics = app.get(Metrics, { strict: false });
  return {
    app,
    open: (name, subjects) => streams.open(name as StreamQuotaName, subjects),
    status: app.get(RedisStatus, { strict: false }),
    metric: async (series) => {
      const line = (await metrics.registry.metrics()).split('\n').find((one) => one.startsWith(`${series} `));
      return Number(line?.slice(series.length + 1) ?? 0);
    },
  };
}
