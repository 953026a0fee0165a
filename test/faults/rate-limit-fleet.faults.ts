import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { seededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import { type Fleet, openFleet } from './support/fleet.js';
import { FleetDriver, type Spread, atRandom, roundRobin } from './support/fleet-driver.js';
import { figuresOf, judgeFleet } from './support/fleet-report.js';
import { FULL } from './support/selection.js';

const BACK_MS = 3000;
const HEALTHY_MS = 1500;
const OUTAGE_MS = 4000;
/** Long enough for all instances to return, and for what they granted meanwhile to be known. */
const AFTER_MS = 3500;

interface Case {
  readonly how: string;
  readonly spread: () => Spread;
  /** The short run has it, too. */
  readonly short?: true;
}

const UPRIGHT = selected<Case>([
  { how: 'in turn', spread: () => roundRobin },
  { how: 'at random', spread: () => atRandom(seededRandom(4)), short: true },
]);

const KILLED = selected<Case & { readonly outages: number }>([
  { how: 'killed and back empty, requests in turn', spread: () => roundRobin, outages: 1 },
  {
    how: 'killed and back empty, requests at random',
    spread: () => atRandom(seededRandom(5)),
    outages: 1,
    short: true,
  },
  { how: 'killed again before all have said that they are there', spread: () => roundRobin, outages: 2 },
  { how: 'killed when a client has spent its burst at one instance', spread: movingAway, outages: 1 },
]);

function selected<C extends Case>(cases: readonly C[]): C[] {
  return cases.filter(({ short }) => FULL || short);
}

/** To one instance until the burst is spent and Redis about to be killed, then to all in turn. */
function movingAway(): Spread {
  const startMs = performance.now();
  return (n, size) => (performance.now() - startMs < HEALTHY_MS ? 0 : n % size);
}

describeReal('A fleet of three', () => {
  let counting: RedisServer;
  let other: RedisServer;
  let fleet: Fleet;
  let clients = 0;

  beforeAll(async () => {
    // Without a disk, as the purpose may be: a server that is killed has forgotten everything when it returns.
    [counting, other] = await Promise.all([startRedisServer(), startRedisServer()]);
    fleet = await openFleet({ rateLimitUrl: counting.url(), redisUrl: other.url() });
    await waitFor(async () => (await counts(fleet)).every((count) => count === 3), {
      what: 'the instances to know of each other',
      timeoutMs: 15_000,
    });
  });
  afterAll(async () => {
    await fleet?.close();
    await Promise.all([counting.stop(), other.stop()]);
  });

  /** A client nobody has seen, who asks far more often than it may. */
  const newClient = (spread: Spread, of = fleet) =>
    new FleetDriver(of, `198.51.100.${(clients += 1)}`, spread);

  const outage = async () => {
    const before = await substitutes(fleet);
    await counting.kill9();
    await sleep(OUTAGE_MS);
    const after = await substitutes(fleet);
    expect(after.every((count, n) => count > (before[n] ?? 0))).toBe(true);
    await counting.start();
  };

  it.each(UPRIGHT)('admits together what one may, requests spread $how', async ({ how, spread }) => {
    const driver = newClient(spread());
    await sleep(3000);
    const { admitted, granted } = figuresOf(`Redis up, ${how}`, await driver.stop());
    expect(Math.abs(admitted - granted)).toBeLessThanOrEqual(2);
  });

  it.each(KILLED)('goes on with that when Redis is $how', async ({ how, spread, outages }) => {
    const driver = newClient(spread());
    await sleep(HEALTHY_MS);
    let backMs = 0;
    for (let n = 0; n < outages; n += 1) {
      await outage();
      backMs = Math.max(backMs, await untilBack(fleet));
    }
    await sleep(AFTER_MS);
    const what = `${how}, back after ${backMs.toFixed(0)} ms`;
    expect(judgeFleet(figuresOf(what, await driver.stop()))).toEqual([]);
    expect(backMs).toBeLessThan(BACK_MS);
  });

  it('admits no more where it is started while Redis is away, being told how many they are', async () => {
    await counting.kill9();
    const env = { RATE_LIMIT_INSTANCES: '3' };
    const young = await openFleet({ rateLimitUrl: counting.url(), redisUrl: other.url(), env });
    try {
      const driver = newClient(atRandom(seededRandom(6)), young);
      await sleep(OUTAGE_MS);
      await counting.start();
      const backMs = await untilBack(young);
      await sleep(AFTER_MS);
      const what = `started while Redis is away, back after ${backMs.toFixed(0)} ms`;
      expect(judgeFleet(figuresOf(what, await driver.stop()))).toEqual([]);
    } finally {
      await young.close();
    }
  });
});

const instances = [0, 1, 2] as const;

function substitutes(fleet: Fleet): Promise<number[]> {
  return Promise.all(instances.map((n) => fleet.metric(n, 'infra_redis_fallback_total')));
}

function counts(fleet: Fleet): Promise<number[]> {
  return Promise.all(instances.map((n) => fleet.counted(n)));
}

/** @returns milliseconds until Redis has decided for each of them, from now on */
async function untilBack(fleet: Fleet): Promise<number> {
  const startMs = performance.now();
  const decided = () => instances.map((n) => fleet.decidedBy(n, 'redis'));
  const before = decided();
  await waitFor(() => decided().every((count, n) => count > (before[n] ?? 0)), {
    what: 'all instances to be on Redis',
    timeoutMs: 15_000,
  });
  return performance.now() - startMs;
}
