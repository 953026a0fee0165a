import { NestFactory } from '@nestjs/core';
import { type PurposeRedis, RedisModule, RedisTestingModule, getRedisToken } from '../src/redis/index.js';
import { Metrics } from '../src/telemetry/index.js';

export interface BenchCore {
  readonly client: PurposeRedis<'rateLimit'>;
  readonly metrics: Metrics;
  readonly close: () => Promise<void>;
}

/** A container with nothing but the Redis core and one purpose. */
export async function openCore(url: string, ca?: string): Promise<BenchCore> {
  const tls = { RATE_LIMIT_REDIS_TLS_CA_FILE: ca, RATE_LIMIT_REDIS_TLS_SERVERNAME: 'localhost' };
  const env = { RATE_LIMIT_REDIS_URL: url, ...(ca === undefined ? {} : tls) };
  const features = [RedisModule.forPurpose('rateLimit')];
  const house = await RedisTestingModule.forFeatures(features, { env });
  const app = await NestFactory.createApplicationContext(house, { logger: false });
  return {
    client: app.get<PurposeRedis<'rateLimit'>>(getRedisToken('rateLimit'), { strict: false }),
    metrics: app.get(Metrics, { strict: false }),
    close: () => app.close(),
  };
}
