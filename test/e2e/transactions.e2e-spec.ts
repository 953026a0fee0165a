import type { ChainableCommander } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisIsolationError, RedisUnavailableError, type UnavailableReason } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

type Line = readonly [string, ...string[]];

/** multi() inside a pipeline, which the client library has and does not declare. */
interface InlineMulti {
  multi(): this;
  get(key: string): this;
  set(key: string, value: string): this;
  incrby(key: string, by: number): this;
  /** Ends the transaction; the pipeline is sent by the next one. */
  exec(): Pick<ChainableCommander, 'exec'>;
}

/** How a server comes to take no writes, and how it takes them again. */
const REFUSALS: readonly (readonly [UnavailableReason, Line, Line])[] = [
  ['oom', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
  ['readonly', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
];

describeReal('Transactions and refused writes', () => {
  let server: RedisServer;
  let core: Compartments;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  beforeEach(async () => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
    server = await startRedisServer();
    // Probes only when something suggests it, so that none comes between what a test does.
    core = await openCompartments(['rateLimit'], {
      REDIS_URL: server.url(),
      REDIS_PROBE_INTERVAL_MS: '60000',
    });
  });
  afterEach(async () => {
    await core.close();
    await server.stop();
    process.off('unhandledRejection', note);
  });

  const client = () => core.client('rateLimit');
  const inline = () => client().pipeline() as unknown as InlineMulti;
  const status = () => core.status.of('rateLimit');
  const ask = async (...[name, ...args]: Line) => String(await server.admin().call(name, ...args));
  const set = (value: string) => client().multi().set('rl:{t}:a', value).set('rl:{t}:b', value);

  describe.each(REFUSALS)('A server that is %s', (reason, refuse, allow) => {
    it('fails a transaction with that reason, runs nothing of it, and takes the next one when it can', async () => {
      await ask(...refuse);
      // The connection may be on its way to being replaced; then the gate answers with the same reason.
      for (let round = 0; round < 20; round += 1) {
        const failure: unknown = await set('x')
          .exec()
          .catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(RedisUnavailableError);
        expect(failure).toMatchObject({ reason, status: 503, purpose: 'rateLimit' });
      }
      await waitFor(() => status().reason === reason, { what: `the state to say ${reason}` });
      await ask(...allow);
      await waitFor(() => status().state === 'up', { what: 'the purpose to be up' });
      expect(await client().get('rl:{t}:a')).toBeNull();
      await expect(set('y').exec()).resolves.toEqual([
        [null, 'OK'],
        [null, 'OK'],
      ]);
    });

    it('fails the first transaction that it refuses with maybeExecuted false', async () => {
      await ask(...refuse);
      await expect(set('x').exec()).rejects.toMatchObject({ reason, maybeExecuted: false });
    });
  });

  it('run inside a pipeline, with the results in its own', async () => {
    const pipeline = inline().set('rl:{t}:n', '1');
    const results = await pipeline.multi().incrby('rl:{t}:n', 2).get('rl:{t}:n').exec().exec();
    expect(results?.map(([error]) => error)).toEqual([null, null, null, null, null]);
    expect(results?.at(-1)?.[1]).toEqual([3, '3']);
  });

  it.each(['pipeline', 'multi'] as const)('of %s() are sent once', async (method) => {
    const pipeline = client()[method]().incrby('rl:{t}:n', 1);
    await pipeline.exec();
    await expect(pipeline.exec()).rejects.toBeInstanceOf(RedisIsolationError);
    await expect(pipeline.exec()).rejects.toThrow('this pipeline has been sent already');
    expect(await client().get('rl:{t}:n')).toBe('1');
  });

  it('of an inline multi() are sent once', async () => {
    const pipeline = inline().multi().incrby('rl:{t}:n', 1).exec();
    await pipeline.exec();
    await expect(pipeline.exec()).rejects.toThrow('this pipeline has been sent already');
    expect(await client().get('rl:{t}:n')).toBe('1');
  });

  it('tell their callback that the server is down, and leave no unhandled rejection', async () => {
    await server.down();
    await waitFor(() => status().state !== 'up', { what: 'the purpose to notice' });
    const heard: unknown[] = [];
    const callback = (error: unknown) => void heard.push(error);
    void client().multi().set('rl:a', '1').exec(callback);
    void client().pipeline().set('rl:a', '1').exec(callback);
    void inline().multi().set('rl:a', '1').exec().exec(callback);
    await waitFor(() => heard.length === 3, { what: 'three callbacks' });
    for (const error of heard) expect(error).toBeInstanceOf(RedisUnavailableError);
    // Node tells of unhandled rejections once the promises have had their turn.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });

  it('are refused for want of replicas over the same connection, while reads go on', async () => {
    await client().set('rl:{t}:a', 'before');
    const connections = async () =>
      (await ask('CLIENT', 'LIST')).match(/^id=\d+(?=.* name=bulkhead:)/gm)?.sort() ?? [];
    const before = await connections();
    expect(before).toHaveLength(1);
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await expect(set('x').exec()).rejects.toMatchObject({ reason: 'noreplicas', maybeExecuted: false });
    await expect(client().set('rl:{t}:a', 'x')).rejects.toMatchObject({ reason: 'noreplicas' });
    await waitFor(() => status().reason === 'noreplicas', { what: 'the state to say noreplicas' });
    const failedMs = status().probedAtMs ?? 0;
    await waitFor(() => (status().probedAtMs ?? 0) > failedMs, { what: 'the probe to fail again' });
    await expect(client().get('rl:{t}:a')).resolves.toBe('before');
    expect(await connections()).toEqual(before);
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await waitFor(() => status().state === 'up', { what: 'the purpose to be up' });
    expect(await connections()).toEqual(before);
  });

  it('do not drive the write probe while they are refused: at most 5 SET in a second', async () => {
    await ask('CONFIG', 'SET', 'maxmemory', '1');
    await expect(set('x').exec()).rejects.toMatchObject({ reason: 'oom' });
    await waitFor(() => status().reason === 'oom', { what: 'the state to say oom' });
    await ask('CONFIG', 'RESETSTAT');
    const startedMs = performance.now();
    let refused = 0;
    await waitFor(
      async () => {
        await client()
          .incrby('rl:{t}:n', 1)
          .catch(() => (refused += 1));
        return performance.now() - startedMs >= 1000;
      },
      { what: 'a second of refused calls', intervalMs: 1 },
    );
    const elapsedSeconds = (performance.now() - startedMs) / 1000;
    const line = /^cmdstat_set:.*$/m.exec(await ask('INFO', 'commandstats'))?.[0] ?? '';
    const sets = Number(/rejected_calls=(\d+)/.exec(line)?.[1]);
    expect(refused).toBeGreaterThan(50);
    expect(sets).toBeGreaterThan(0);
    expect(sets).toBeLessThanOrEqual(5 * elapsedSeconds);
    const errors = /errorstat_OOM:count=(\d+)/.exec(await ask('INFO', 'errorstats'))?.[1];
    expect(Number(errors)).toBeLessThanOrEqual(refused + sets + 1);
  });
});
