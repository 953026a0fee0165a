import { type DynamicModule, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigModule } from '../../src/config/index.js';
import {
  InjectRedis,
  type PurposeRedis,
  RedisModule,
  type RedisModuleOptions,
  RedisStatus,
  RedisTestingModule,
  getRedisToken,
} from '../../src/redis/index.js';
import { TelemetryModule } from '../../src/telemetry/index.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';

@Injectable()
class FirstFeature {
  constructor(@InjectRedis('rateLimit') readonly redis: PurposeRedis<'rateLimit'>) {}
}

@Injectable()
class SecondFeature {
  constructor(@InjectRedis('rateLimit') readonly redis: PurposeRedis<'rateLimit'>) {}
}

@Injectable()
class Trespasser {
  constructor(@Inject(getRedisToken('billingEvents')) readonly redis: unknown) {}
}

@Module({ imports: [RedisModule.forPurpose('rateLimit')], providers: [FirstFeature] })
class FirstModule {}

@Module({ imports: [RedisModule.forPurpose('rateLimit')], providers: [SecondFeature] })
class SecondModule {}

@Module({ imports: [RedisModule.forPurpose('billingEvents')] })
class BillingModule {}

@Module({ imports: [RedisModule.forPurpose('rateLimit')], providers: [Trespasser] })
class TrespassingModule {}

describeReal('RedisModule', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  async function open(features: NonNullable<DynamicModule['imports']>, redis: RedisModuleOptions = {}) {
    const house = await RedisTestingModule.forFeatures(features, { env: { REDIS_URL: server.url() }, redis });
    const app = await Test.createTestingModule({ imports: [house] }).compile();
    await app.init();
    return app;
  }

  const connections = async () => {
    const list = String(await server.admin().call('CLIENT', 'LIST'));
    return list.split('\n').flatMap((line) => /name=(bulkhead:\S+)/.exec(line)?.[1] ?? []);
  };

  it('gives two features with one purpose the same client and one connection', async () => {
    const app = await open([FirstModule, SecondModule]);
    const first = app.get(FirstFeature, { strict: false }).redis;
    expect(app.get(SecondFeature, { strict: false }).redis).toBe(first);
    await first.set('rl:shared', '1');
    expect(await connections()).toHaveLength(1);
    await app.close();
    expect(await connections()).toEqual([]);
  });

  it('names each connection after purpose, lane, host and process', async () => {
    const app = await open([BillingModule]);
    const names = (await connections()).map((name) => name.split(':').slice(0, 3).join(':'));
    expect(names.sort()).toEqual([
      'bulkhead:billingEvents:blocking',
      'bulkhead:billingEvents:bulk',
      'bulkhead:billingEvents:command',
    ]);
    expect((await connections()).every((name) => name.endsWith(`:${process.pid}`))).toBe(true);
    await app.close();
  });

  it('refuses a feature the client of a purpose that its module did not import', async () => {
    const attempt = open([BillingModule, TrespassingModule]);
    await expect(attempt).rejects.toThrow(/REDIS_CLIENT:billingEvents:command/);
    expect(await connections()).toEqual([]);
  });

  it('takes its options from a factory and lets a URL in code win over the variables', async () => {
    const other = await startRedisServer();
    const root = RedisModule.forRootAsync({ useFactory: async () => ({ urls: { rateLimit: other.url() } }) });
    const house = { module: class House {} as Type, imports: [TelemetryModule, root, FirstModule] };
    const env = { APP_PROFILE: 'test', REDIS_URL: server.url() };
    const config = await ConfigModule.forRoot(house, env);
    const app = await Test.createTestingModule({ imports: [config, ...house.imports] }).compile();
    await app.init();
    await app.get(FirstFeature, { strict: false }).redis.set('rl:where', 'here');
    expect(await other.admin().get('rl:where')).toBe('here');
    expect(await server.admin().get('rl:where')).toBeNull();
    await app.close();
    await other.stop();
  });

  it('runs the purposes of a feature under test on embedded engines of their own', async () => {
    const house = await RedisTestingModule.forFeatures([FirstModule, BillingModule]);
    const app = await Test.createTestingModule({ imports: [house] }).compile();
    await app.init();
    const { redis } = app.get(FirstFeature, { strict: false });
    await redis.set('rl:shared', 'embedded');
    expect(await redis.get('rl:shared')).toBe('embedded');
    const engines = app
      .get(RedisStatus, { strict: false })
      .all()
      .map(({ engine, isolation }) => [engine, isolation]);
    expect(engines).toEqual([
      ['embedded', 'instance'],
      ['embedded', 'instance'],
    ]);
    await app.close();
  });

  it('opens a purpose that is passed in from outside like one of its own', async () => {
    const definition = {
      env: 'EMBEDDINGS_REDIS',
      namespace: 'emb',
      outage: 'closed',
      aclUser: 'advised',
      eviction: 'advise',
      persistence: 'none',
      replication: 'none',
      connectMs: 1000,
      lanes: { command: { commandMs: 500, silenceMs: 1500 } },
      commands: ['get', 'set'],
    } as const;
    const purpose = 'embeddings' as 'rateLimit';
    const app = await open([RedisModule.forPurpose(purpose)], { purposes: { embeddings: definition } });
    const redis = app.get<PurposeRedis<'rateLimit'>>(getRedisToken('embeddings'), { strict: false });
    expect(await redis.set('emb:1', 'vector')).toBe('OK');
    await expect(redis.set('rl:1', 'vector')).rejects.toThrow(/does not begin with emb:/);
    await app.close();
  });
});
