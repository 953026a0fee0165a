import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StreamLease } from '../../src/rate-limit/index.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { type House, openHouse } from './leases/house.js';

const QUOTAS = {
  wide: { concurrent: [{ per: 'tenant', streams: 60 }] },
  strict: { concurrent: [{ per: 'user', streams: 2 }], outage: 'deny' },
} as const;
/** Of two instances: each has half of every limit while Redis is away. */
const SHARE = 30;
/** Of a call; more than the usual 50 ms, so that a busy machine is not taken for a Redis that is away. */
const BUDGET_MS = 300;
/** That budget, and what a busy machine adds to it. */
const PROMPT_MS = BUDGET_MS + 500;

interface Fault {
  begin(): Promise<void>;
  end(): Promise<void>;
}

describeReal('Streams while Redis is away', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let house: House;
  beforeEach(async () => {
    server = await startRedisServer();
    proxy = await startTcpProxy({ targetPort: server.port });
    house = await openHouse(`redis://127.0.0.1:${proxy.port}`, QUOTAS, {
      RATE_LIMIT_INSTANCES: '2',
      RATE_LIMIT_REDIS_COMMAND_MS: String(BUDGET_MS),
    });
  });
  afterEach(async () => {
    server.thaw();
    await proxy.pass();
    await house.app.close();
    await proxy.stop();
    await server.stop();
  });

  const faults: Record<string, () => Fault> = {
    refused: () => ({ begin: () => proxy.refuse(), end: () => proxy.pass() }),
    'black-holed': () => ({ begin: () => proxy.blackHole(), end: () => proxy.pass() }),
    'replies cut': () => ({ begin: () => proxy.dropReplies(), end: () => proxy.pass() }),
    hung: () => ({ begin: () => server.freeze(), end: () => Promise.resolve(server.thaw()) }),
    'killed, its data gone': () => ({ begin: () => server.kill9(), end: () => server.start() }),
  };

  /** Opens `count` streams at once. @returns those that were allowed, and how the others were answered */
  async function open(tenant: string, count: number) {
    const openings = await Promise.all(
      Array.from({ length: count }, async () => {
        const startMs = performance.now();
        const opening = await house.open('wide', { tenant });
        return { ...opening, ms: performance.now() - startMs };
      }),
    );
    const leases = openings.flatMap(({ lease }) => lease ?? []);
    const decisions = openings.map(({ decision }) => decision);
    return { leases, decisions, slowestMs: Math.max(...openings.map(({ ms }) => ms)) };
  }

  const inRedis = async () => {
    const keys = await server.admin().keys('rl:{g}:c:*');
    const sets = await Promise.all(keys.map((key) => server.admin().zrange(key, '0', '-1')));
    return sets.flat().sort();
  };
  const idsOf = (leases: readonly StreamLease[]) => leases.map(({ id }) => id).sort();
  const openHere = () => house.metric('rate_limit_streams_open{quota="wide"}');

  it.each(Object.keys(faults))(
    '%s: fifty live on, new ones get a share, all are known after it',
    async (name) => {
      const fault = faults[name]?.() as Fault;
      const before = await open('acme', 50);
      expect(before.leases).toHaveLength(50);
      await fault.begin();

      const denied = await open('acme', 3);
      const admitted = await open('other', 40);
      expect(denied.leases).toEqual([]);
      expect(admitted.leases).toHaveLength(SHARE);
      for (const decision of [...denied.decisions, ...admitted.decisions]) {
        expect(decision).toMatchObject({ backend: 'memory', degraded: true });
      }
      expect(Math.max(denied.slowestMs, admitted.slowestMs)).toBeLessThan(PROMPT_MS);
      expect(await openHere()).toBe(50 + SHARE);
      for (const lease of before.leases.splice(0, 10)) lease.close();

      await fault.end();
      const endedMs = performance.now();
      const expected = idsOf([...before.leases, ...admitted.leases]).join();
      await waitFor(async () => (await inRedis()).join() === expected, {
        what: 'every open stream, and no other, to be known to Redis',
        timeoutMs: 10_000,
      });
      const tookMs = performance.now() - endedMs;
      console.info(
        `${name}: answers within ${Math.ceil(Math.max(denied.slowestMs, admitted.slowestMs))} ms, all leases known ${Math.ceil(tookMs)} ms after it`,
      );
      expect(tookMs).toBeLessThan(4000);
      expect((await open('acme', 30)).leases).toHaveLength(20);
      expect((await open('acme', 1)).decisions[0]).toMatchObject({ backend: 'redis', degraded: false });
    },
  );

  it('lets nobody pass uncounted where the quota says so, and frees what Redis took without saying so', async () => {
    await house.open('strict', { user: 'ann' });
    await proxy.dropReplies();
    const { allowed, decision } = await house.open('strict', { user: 'ann' });
    expect(allowed).toBe(false);
    expect(decision).toMatchObject({
      state: 'unavailable',
      backend: 'memory',
      degraded: true,
      retryAfterMs: 1000,
    });
    // It was executed: both places are taken, and nobody holds the second.
    expect(await inRedis()).toHaveLength(2);
    await proxy.pass();
    await waitFor(async () => (await inRedis()).length === 1, { what: 'the second place to be freed' });
  });

  it('does not wait for a Redis that hangs when it closes', async () => {
    await open('acme', 50);
    await server.freeze();
    const startMs = performance.now();
    await house.app.close();
    expect(performance.now() - startMs).toBeLessThan(3000);
  });

  it('counts what Redis had lost, and what was decided without it', async () => {
    await open('acme', 7);
    await server.admin().flushall();
    await proxy.refuse();
    await open('acme', 1);
    await proxy.pass();
    await waitFor(async () => (await inRedis()).length === 8, { what: 'eight leases', timeoutMs: 10_000 });
    expect(await house.metric('rate_limit_leases_readded_total{limit="wide-tenant"}')).toBe(8);
    expect(
      await house.metric('rate_limit_stream_opens_total{quota="wide",state="allow",backend="memory"}'),
    ).toBe(1);
  });
});
