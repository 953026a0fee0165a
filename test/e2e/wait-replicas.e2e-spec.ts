import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const LINES = ['repl-diskless-sync-delay 0'];

/** A primary and a replica; each write of security tokens waits for the replica. */
describeReal('A write that waits for a replica', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let core: Compartments;

  beforeAll(async () => {
    primary = await startRedisServer({ configLines: LINES });
    const replicaof = `replicaof ${primary.host} ${primary.port}`;
    replica = await startRedisServer({ configLines: [...LINES, replicaof] });
    await waitFor(async () => (await primary.admin().info('replication')).includes('state=online'), {
      what: 'the replica to be in step',
      timeoutMs: 20_000,
    });
    core = await openCompartments(['securityTokens'], {
      SECURITY_TOKEN_REDIS_URL: primary.url(),
      SECURITY_TOKEN_REDIS_WAIT_REPLICAS: '1',
      // One at the start, and none between the counts of these tests.
      REDIS_PROBE_INTERVAL_MS: '60s',
    });
  });

  afterEach(async () => {
    replica.thaw();
    await waitFor(() => core.status.of('securityTokens').state === 'up', { what: 'to be up again' });
  });

  afterAll(async () => {
    await core.close();
    await replica.kill9();
    await Promise.all([primary.stop(), replica.stop()]);
  });

  const callsOf = async (command: string): Promise<number> => {
    const stats = await primary.admin().info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };
  /** How often WAIT was sent while `work` was done. */
  const waitsFor = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await callsOf('wait');
    await work();
    return (await callsOf('wait')) - before;
  };
  const keys = (name: string, count: number) => Array.from({ length: count }, (_, n) => `st:${name}:${n}`);

  it('is at the replica when its caller hears of it', async () => {
    const redis = core.client('securityTokens');
    for (const key of keys('there', 20)) {
      expect(await redis.set(key, key)).toBe('OK');
      expect(await replica.admin().get(key)).toBe(key);
    }
  });

  it.each([
    ['two hundred writes of one turn', 200],
    ['one write', 1],
  ])('costs one WAIT for %s', async (_, count) => {
    const redis = core.client('securityTokens');
    const work = async () => {
      const answers = await Promise.all(keys(`many:${count}`, count).map((key) => redis.set(key, key)));
      expect(new Set(answers)).toEqual(new Set(['OK']));
    };
    expect(await waitsFor(work)).toBe(1);
    expect(await replica.admin().exists(...keys(`many:${count}`, count))).toBe(count);
  });

  it('costs one WAIT for a pipeline, and one for a transaction', async () => {
    const redis = core.client('securityTokens');
    const pipeline = () => redis.pipeline().set('st:p:1', '1').set('st:p:2', '2').get('st:p:1').exec();
    const transaction = () => redis.multi().set('st:m:1', '1').hset('st:m:2', 'f', '2').get('st:m:1').exec();
    let answers: unknown;
    expect(await waitsFor(async () => (answers = await pipeline()))).toBe(1);
    expect(answers).toEqual([
      [null, 'OK'],
      [null, 'OK'],
      [null, '1'],
    ]);
    expect(await waitsFor(async () => (answers = await transaction()))).toBe(1);
    expect(answers).toEqual([
      [null, 'OK'],
      [null, 1],
      [null, '1'],
    ]);
  });

  it('costs none for reads', async () => {
    const redis = core.client('securityTokens');
    const reads = () =>
      Promise.all([redis.get('st:a'), redis.pttl('st:a'), redis.hgetall('st:b'), redis.time()]);
    expect(await waitsFor(reads)).toBe(0);
  });

  it('is not held up by one that the server refused', async () => {
    const redis = core.client('securityTokens');
    await redis.set('st:text', '1');
    const [wrong, right] = await Promise.allSettled([
      redis.hset('st:text', 'f', '1'),
      redis.set('st:other', '1'),
    ]);
    expect(wrong).toMatchObject({ status: 'rejected', reason: { serverCode: 'WRONGTYPE' } });
    expect(right).toEqual({ status: 'fulfilled', value: 'OK' });
  });

  it('may have been executed when the replica hangs, and the purpose says why it is down', async () => {
    const redis = core.client('securityTokens');
    await replica.freeze();
    const writes = await Promise.allSettled(keys('frozen', 3).map((key) => redis.set(key, '1')));
    for (const write of writes) {
      if (write.status === 'fulfilled') throw new Error('A write counted that no replica has');
      expect(write.reason).toBeInstanceOf(RedisUnavailableError);
      expect(write.reason).toMatchObject({ reason: 'noreplicas', maybeExecuted: true });
    }
    expect(await primary.admin().exists(...keys('frozen', 3))).toBe(3);
    await waitFor(() => core.status.of('securityTokens').reason === 'noreplicas', {
      what: 'the purpose to be down for it',
    });
    replica.thaw();
    await waitFor(() => core.status.of('securityTokens').state === 'up', { what: 'to be up again' });
    expect(await redis.set('st:after', '1')).toBe('OK');
  });

  it('fails for want of the replica and not for time under steady load, while the primary keeps its connection', async () => {
    const redis = core.client('securityTokens');
    const connections = async () =>
      String(await primary.admin().client('LIST')).match(/id=\d+ .*name=bulkhead:/g);
    const before = await connections();
    await replica.freeze();
    const until = performance.now() + 1500;
    const reasons = new Set<string>();
    let slowestMs = 0;
    const work = async (worker: number) => {
      for (let n = 0; performance.now() < until; n += 1) {
        const startedMs = performance.now();
        await redis.set(`st:steady:${worker}:${n}`, '1').catch((error: RedisUnavailableError) => {
          reasons.add(`${error.reason} ${error.maybeExecuted}`);
        });
        slowestMs = Math.max(slowestMs, performance.now() - startedMs);
        await sleep(3);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, worker) => work(worker)));
    expect([...reasons]).toEqual(['noreplicas true']);
    // Two WAITs, and what the machine adds.
    expect(slowestMs).toBeLessThan(600);
    expect(await connections()).toEqual(before);
  });
});
