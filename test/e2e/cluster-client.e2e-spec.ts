import { afterAll, beforeAll, expect, it } from 'vitest';
import { keySlot } from '../../src/redis/key-slot.js';
import {
  LuaScript,
  type PurposeRedis,
  RedisAbortedError,
  RedisIsolationError,
} from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';
import { waitFor } from '../support/wait-for.js';

/** Far more than there are nodes, so that every one of them has some. */
const KEYS = Array.from({ length: 60 }, (_, index) => `billing:k:${index}`);

describeReal('The client of a purpose on a cluster', () => {
  let cluster: RedisCluster;
  let core: Compartments;
  let redis: PurposeRedis<'billingEvents'>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    const [first, ...others] = cluster.nodes;
    core = await openCompartments(['billingEvents'], {
      BILLING_EVENTS_REDIS_URL: `redis://127.0.0.1:${first?.port}`,
      BILLING_EVENTS_REDIS_TOPOLOGY: 'cluster',
      BILLING_EVENTS_REDIS_NODES: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
      BILLING_EVENTS_REDIS_WAIT_REPLICAS: '0',
    });
    redis = core.client('billingEvents');
  });
  afterAll(async () => {
    await core?.close();
    await cluster?.stop();
  });

  it('sends each command to the node that has its slot', async () => {
    await Promise.all(KEYS.map((key, index) => redis.set(key, String(index))));
    const values = await Promise.all(KEYS.map((key) => redis.get(key)));
    expect(values).toEqual(KEYS.map((_, index) => String(index)));
    const sizes = await Promise.all(cluster.nodes.map((node) => node.admin().dbsize()));
    expect(sizes.every((size) => size > 5)).toBe(true);
  });

  it('takes a pipeline over all nodes, with one result per command in its order', async () => {
    const pipeline = redis.pipeline();
    for (const key of KEYS) pipeline.set(key, 'p').get(key);
    pipeline.hget(KEYS[0] ?? '', 'field');
    const results = (await pipeline.exec()) ?? [];
    expect(results.slice(0, -1)).toEqual(
      KEYS.flatMap(() => [
        [null, 'OK'],
        [null, 'p'],
      ]),
    );
    expect(results.at(-1)?.[0]).toMatchObject({ serverCode: 'WRONGTYPE' });
  });

  it('runs a transaction on the node of its keys, and tells its results as elsewhere', async () => {
    const results = await redis.multi().set('billing:{a}:1', '1').hset('billing:{a}:h', 'f', 'v').exec();
    expect(results).toEqual([
      [null, 'OK'],
      [null, 1],
    ]);
  });

  it('refuses keys of several slots in one command or one transaction, and sends nothing', async () => {
    expect(() => redis.multi().del('billing:a', 'billing:b')).toThrow(/different slots/);
    await expect(redis.del('billing:a', 'billing:b')).rejects.toThrow(RedisIsolationError);
    const across = redis.pipeline().set('billing:c', '1').call('MULTI').set('billing:a', '1');
    expect(() => across.set('billing:b', '1')).toThrow(/different slots/);
    await expect(across.exec()).rejects.toThrow(/different slots/);
    expect(await redis.get('billing:c')).toBeNull();
    expect(await Promise.all([redis.get('billing:a'), redis.get('billing:b')])).toEqual([null, null]);
  });

  it('runs a script on any node, whether the node knows it or not', async () => {
    const script = new LuaScript<string>({
      name: 'echo',
      file: new URL('./cluster-client.echo.lua', import.meta.url),
      decode: String,
    });
    const answers = await Promise.all(KEYS.map((key) => script.run(redis, [key], ['x'])));
    expect(answers).toEqual(KEYS.map((key) => `${key} x`));
    const sha = await redis.script('LOAD', 'return redis.call("GET", KEYS[1])');
    const loaded = await Promise.all(KEYS.map((key) => redis.evalsha(String(sha), 1, key)));
    expect(loaded).toEqual(KEYS.map(() => 'p'));
  });

  it('answers a command without a key', async () => {
    expect(await redis.time()).toHaveLength(2);
  });

  it('gives a blocking read up when told to, wherever it waits, and reads on afterwards', async () => {
    const blocking = core.blocking('billingEvents');
    for (const stream of ['billing:s:1', 'billing:s:2', 'billing:s:3']) {
      const abort = new AbortController();
      const reading = blocking.cancellable(abort.signal, () =>
        blocking.xread('BLOCK', 4000, 'STREAMS', stream, '$'),
      );
      const owner = await cluster.masterOfSlot(keySlot(stream));
      await waitFor(async () => (await owner.admin().info('clients')).includes('blocked_clients:1'), {
        what: 'the read to wait',
      });
      abort.abort();
      await expect(reading).rejects.toThrow(RedisAbortedError);
      await waitFor(() => core.status.of('billingEvents').lanes.every(({ connected }) => connected), {
        what: 'the lane to be whole again',
      });
      const next = blocking.xread('BLOCK', 4000, 'STREAMS', stream, '0');
      await redis.xadd(stream, '*', 'f', 'v');
      expect(await next).toHaveLength(1);
    }
    expect(core.status.of('billingEvents').state).toBe('up');
  });

  it('says where it is', () => {
    const { topology, primaries, isolation, proofs } = core.status.of('billingEvents');
    expect(topology).toBe('cluster');
    expect([...primaries].sort()).toEqual(cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).sort());
    expect(isolation).toBe('instance');
    expect(proofs.find(({ fact }) => fact === 'topology')).toMatchObject({ verdict: 'proven' });
  });

  it('closes every connection to every node', async () => {
    await core.close();
    for (const node of cluster.nodes) {
      const list = String(await node.admin().client('LIST'));
      expect(list.split('\n').filter((line) => line.includes('name=bulkhead:'))).toEqual([]);
    }
  });
});
