import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { consumerLag, streamLength } from '../../src/rate-limit/index.js';
import { type PurposeRedis, RedisModule, RedisTestingModule, getRedisToken } from '../../src/redis/index.js';
import { withEngine } from './support/engine.js';

const KEY = 'billing:events';

withEngine('Depths of backlogs, by the client of a feature', (engine) => {
  let app: INestApplicationContext;
  let client: PurposeRedis<'billingEvents'>;
  beforeAll(async () => {
    const env = { BILLING_EVENTS_REDIS_URL: `redis://${engine.host}:${engine.port}` };
    const house = RedisTestingModule.forFeatures([RedisModule.forPurpose('billingEvents')], { env });
    app = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
    client = app.get(getRedisToken('billingEvents'), { strict: false });
  });
  afterAll(() => app.close());

  const add = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => client.xadd(KEY, '*', 'n', String(n))));

  it('a stream is as deep as it has entries', async () => {
    const depth = streamLength(client, KEY);
    expect(await depth()).toBe(0);
    await add(7);
    expect(await depth()).toBe(7);
  });

  it('a consumer group lags by what it was not given and what it has not acknowledged', async () => {
    const depth = consumerLag(client, KEY, 'projector');
    await add(7);
    await client.xgroup('CREATE', KEY, 'other', '$');
    await client.xgroup('CREATE', KEY, 'projector', '0');
    expect(await depth()).toBe(7);

    await engine.redis.xreadgroup('GROUP', 'projector', 'one', 'COUNT', 4, 'STREAMS', KEY, '>');
    expect(await depth()).toBe(7);
    const [first] = await client.xrange(KEY, '-', '+', 'COUNT', 1);
    await client.xack(KEY, 'projector', first?.[0] ?? '');
    expect(await depth()).toBe(6);
  });

  it('the lag of a group that is not there is unknown, and that of a stream that is not there fails', async () => {
    await add(1);
    expect(await consumerLag(client, KEY, 'nobody')()).toBeNaN();
    await expect(consumerLag(client, 'billing:nothing', 'nobody')()).rejects.toThrow(/xinfo/i);
  });
});
