import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Environment } from '../../src/config/index.js';
import { Metrics } from '../../src/telemetry/index.js';
import {
  type BlockingRedis,
  type Lane,
  type Purpose,
  type PurposeRedis,
  RedisModule,
  RedisStatus,
  RedisTestingModule,
  getRedisToken,
} from '../../src/redis/index.js';

/** The Redis core on its own: purposes, status and metrics, without HTTP and without features. */
export interface Compartments {
  readonly app: INestApplicationContext;
  readonly status: RedisStatus;
  readonly metrics: Metrics;
  client<P extends Purpose>(purpose: P): PurposeRedis<P>;
  blocking<P extends Purpose>(purpose: P): BlockingRedis<P>;
  lane(purpose: Purpose, lane: Lane): PurposeRedis<'billingEvents'>;
  close(): Promise<void>;
}

/** Opens `purposes` with the given variables; the profile is `test` unless `env` says otherwise. */
export async function openCompartments(
  purposes: readonly Purpose[],
  env: Environment,
): Promise<Compartments> {
  const features = purposes.map((purpose) => RedisModule.forPurpose(purpose));
  const app = await NestFactory.createApplicationContext(RedisTestingModule.forFeatures(features, { env }), {
    logger: false,
    abortOnError: false,
  });
  const get = <T>(token: string) => app.get<T>(token, { strict: false });
  return {
    app,
    status: app.get(RedisStatus, { strict: false }),
    metrics: app.get(Metrics, { strict: false }),
    client: <P extends Purpose>(purpose: P) => get<PurposeRedis<P>>(getRedisToken(purpose)),
    blocking: <P extends Purpose>(purpose: P) => get<BlockingRedis<P>>(getRedisToken(purpose, 'blocking')),
    lane: (purpose, lane) => get<PurposeRedis<'billingEvents'>>(getRedisToken(purpose, lane)),
    close: () => app.close(),
  };
}
