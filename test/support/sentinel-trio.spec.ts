import { existsSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeReal } from './redis-availability.js';
import type { RedisServer } from './redis-server.js';
import {
  HURRIED_PACE,
  PRODUCTION_PACE,
  startSentinelTrio,
  type SentinelTrio,
  type SentinelTrioOptions,
} from './sentinel-trio.js';
import { refusals } from './topology-refusals.js';

/** A bound, not an expectation: seen are two to three and a half seconds, and nine after a split vote. */
const FAILOVER_BOUND_MS = 25_000;
/** For what waits for more than one change of the servers. */

const SECURED: SentinelTrioOptions = {
  tls: true,
  requireClientCert: true,
  acl: ['user default off', 'user app on >secret resetchannels ~app:* -@all +get +set +wait +info'],
  sentinelAuth: {
    // The least that an application needs to find the primary and to hear that it moved.
    acl: [
      'user default off',
      'user app on >sentinel resetchannels &+switch-master -@all ' +
        '+sentinel|get-master-addr-by-name +sentinel|sentinels +subscribe',
    ],
  },
};

const clients: Redis[] = [];

function tlsOf({ certificates }: SentinelTrio): { tls?: { ca: Buffer; cert: Buffer; key: Buffer } } {
  if (!certificates) return {};
  const { cert, key } = certificates.client;
  return { tls: { ca: readFileSync(certificates.ca), cert: readFileSync(cert), key: readFileSync(key) } };
}

/** Without the library's `failoverDetector`: an announcement during its reconnect ends such a client for good. */
function client(trio: SentinelTrio, credentials: Record<string, string> = {}): Redis {
  const { tls } = tlsOf(trio);
  const redis = new Redis({
    sentinels: trio.sentinels.map(({ host, port }) => ({ host, port })),
    name: trio.masterName,
    commandTimeout: FAILOVER_BOUND_MS,
    ...credentials,
    ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
  });
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
}

/** Resolves with a promise of the next announcement of a new primary. */
async function announcement(
  trio: SentinelTrio,
  { sentinelUsername = '', sentinelPassword = '' }: Record<string, string>,
): Promise<{ heard: Promise<string> }> {
  const redis = new Redis({
    port: trio.sentinels[1]?.port ?? 0,
    enableReadyCheck: false,
    ...tlsOf(trio),
    ...(sentinelPassword && { username: sentinelUsername, password: sentinelPassword }),
  });
  redis.on('error', () => undefined);
  clients.push(redis);
  await redis.subscribe('+switch-master');
  return { heard: new Promise((resolve) => redis.once('message', (_channel, text) => resolve(text))) };
}

async function role(server: RedisServer): Promise<unknown[]> {
  return (await server.admin().call('ROLE')) as unknown[];
}

describe.each<[string, SentinelTrioOptions, Record<string, string>]>([
  ['plain', {}, {}],
  [
    'with TLS and ACL',
    SECURED,
    { username: 'app', password: 'secret', sentinelUsername: 'app', sentinelPassword: 'sentinel' },
  ],
])('%s', (_title, options, credentials) => {
  describeReal('startSentinelTrio', () => {
    let trio: SentinelTrio;
    let app: Redis;

    beforeAll(async () => {
      trio = await startSentinelTrio(options);
      app = client(trio, credentials);
    });

    afterAll(async () => {
      for (const redis of clients.splice(0)) redis.disconnect();
      await trio?.stop();
    });

    it('starts with the replicas in step and all Sentinels knowing everybody', async () => {
      await expect(app.set('app:first', '1')).resolves.toBe('OK');
      await expect(app.wait(2, 5_000)).resolves.toBe(2);
      const [first, ...replicas] = trio.servers;
      await expect(trio.primary()).resolves.toBe(first);
      for (const replica of replicas) await expect(replica.admin().get('app:first')).resolves.toBe('1');
      for (const sentinel of trio.sentinels) {
        const quorum = sentinel.admin().call('SENTINEL', 'CKQUORUM', trio.masterName);
        await expect(quorum).resolves.toContain('OK 3 usable Sentinels');
        const known = (await sentinel.admin().call('SENTINEL', 'REPLICAS', trio.masterName)) as unknown[];
        expect(known).toHaveLength(2);
      }
    });

    it('fails over as planned, and the former primary comes back as a replica', async () => {
      const former = await trio.primary();
      await app.set('app:planned', 'kept');
      await expect(app.wait(2, 5_000)).resolves.toBe(2);
      const { heard } = await announcement(trio, credentials);
      expect(await trio.failover()).not.toBe(former);
      const [name, , from, , to] = (await heard).split(' ');
      expect([name, from]).toEqual([trio.masterName, String(former.port)]);
      expect(trio.servers.map(({ port }) => String(port))).toContain(to);
      await trio.waitUntilStable();
      // On a busy machine the Sentinels may replace a new primary once more; where it all ends is what counts.
      const next = await trio.primary();
      expect((await role(next))[0]).toBe('master');
      const others = trio.servers.filter((server) => server !== next);
      for (const replica of others)
        expect((await role(replica)).slice(0, 4)).toEqual(['slave', '127.0.0.1', next.port, 'connected']);
      await expect(app.get('app:planned')).resolves.toBe('kept');
      await app.set('app:after', 'planned');
      await expect(next.admin().get('app:after')).resolves.toBe('planned');
    });

    it.each([
      ['is killed', (it: RedisServer) => it.kill9(), (it: RedisServer) => it.restart()],
      ['hangs', (it: RedisServer) => it.freeze(), async (it: RedisServer) => it.thaw()],
    ])('has another primary in bounded time when it %s', async (how, lose, bringBack) => {
      const former = await trio.primary();
      await app.set('app:lost', how);
      await expect(app.wait(2, 5_000)).resolves.toBe(2);
      await lose(former);
      const next = await trio.newPrimary(former, FAILOVER_BOUND_MS);
      expect(next).not.toBe(former);
      // A new client: one that has a connection to a hung primary waits on it.
      await expect(client(trio, credentials).get('app:lost')).resolves.toBe(how);
      await trio.waitUntilStable();
      await expect(trio.replicas()).resolves.toHaveLength(1);
      await bringBack(former);
      await trio.waitUntilStable();
      expect((await role(former)).slice(0, 3)).toEqual(['slave', '127.0.0.1', next.port]);
      await expect(former.admin().get('app:lost')).resolves.toBe(how);
    });

    it('needed no right that it does not have', async () => {
      await expect(refusals([...trio.servers, ...trio.sentinels])).resolves.toEqual([]);
    });
  });
});

describeReal('startSentinelTrio', () => {
  let trio: SentinelTrio | undefined;

  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect();
    await trio?.stop();
    trio = undefined;
  });

  it('lets nobody in without certificate, user and password where it is secured', async () => {
    trio = await startSentinelTrio(SECURED);
    for (const { host, port } of [...trio.servers, ...trio.sentinels]) {
      const { tls } = tlsOf(trio);
      if (!tls) throw new Error('No certificates');
      await expect(ping({ host, port })).rejects.toThrow(/closed|max retries|ECONN/i);
      const anonymous = ping({ host, port, tls: { ca: tls.ca } });
      await expect(anonymous).rejects.toThrow(/certificate|closed|max retries|ECONN/i);
      await expect(ping({ host, port, tls })).rejects.toThrow('NOAUTH');
    }
  });

  it('shares one password among servers and another one among Sentinels', async () => {
    trio = await startSentinelTrio({
      requirepass: 'data "1"',
      sentinelAuth: { requirepass: 'watch 2' },
      masterName: 'billing',
    });
    const credentials = { password: 'data "1"', sentinelPassword: 'watch 2' };
    const app = client(trio, credentials);
    await app.set('key', '1');
    await expect(app.wait(2, 5_000)).resolves.toBe(2);
    await trio.failover();
    await expect(client(trio, credentials).get('key')).resolves.toBe('1');
    await expect(ping({ port: (await trio.primary()).port })).rejects.toThrow('NOAUTH');
    await expect(ping({ port: trio.sentinels[0]?.port ?? 0 })).rejects.toThrow('NOAUTH');
  });

  it('refuses writes while too few replicas follow', async () => {
    trio = await startSentinelTrio({ minReplicasToWrite: 2, minReplicasMaxLag: 10, appendonly: true });
    const [first, ...replicas] = trio.servers;
    await expect(first?.admin().set('key', '1')).resolves.toBe('OK');
    await expect(first?.admin().config('GET', 'appendonly')).resolves.toEqual(['appendonly', 'yes']);
    await replicas[0]?.kill9();
    const refused = async () => first?.admin().set('key', '2');
    await expect.poll(() => refused().catch(String), { timeout: 10_000 }).toContain('NOREPLICAS');
    await replicas[0]?.restart();
    await trio.waitUntilStable();
    await expect(first?.admin().set('key', '3')).resolves.toBe('OK');
  });

  it('has no rhythm in which Sentinels drop a primary before they have asked it', async () => {
    const options = { pace: PRODUCTION_PACE, downAfterMs: 1_000 };
    await expect(startSentinelTrio(options)).rejects.toThrow('must exceed the ping period (1000)');
  });

  it('keeps its rhythm over the restart of a Sentinel, and takes that of production', async () => {
    trio = await startSentinelTrio({ pace: PRODUCTION_PACE, downAfterMs: 2_000 });
    const [sentinel] = trio.sentinels;
    const built = ['INFO-PERIOD', '10000', 'PING-PERIOD', '1000'];
    expect((await sentinel?.admin().call('SENTINEL', 'DEBUG')) as string[]).toEqual(
      expect.arrayContaining(built),
    );
    await trio.stop();
    trio = await startSentinelTrio();
    const [restarted] = trio.sentinels;
    await restarted?.kill9();
    await restarted?.restart();
    const periods = (await restarted?.admin().call('SENTINEL', 'DEBUG')) as string[];
    expect(periods[periods.indexOf('PING-PERIOD') + 1]).toBe(String(HURRIED_PACE.pingPeriodMs));
    await trio.waitUntilStable();
  });

  it('leaves no process and no file behind, frozen or not', async () => {
    trio = await startSentinelTrio({ tls: true });
    const all = [...trio.servers, ...trio.sentinels];
    const certificates = trio.certificates?.dir ?? '';
    expect(existsSync(certificates)).toBe(true);
    await trio.servers[1]?.freeze();
    await trio.stop();
    expect(all.filter(({ running }) => running)).toEqual([]);
    expect(all.map(({ dir }) => dir).filter((dir) => existsSync(dir))).toEqual([]);
    expect(existsSync(certificates)).toBe(false);
  });
});

interface PingOptions {
  port: number;
  host?: string;
  tls?: { ca: Buffer; cert?: Buffer; key?: Buffer };
}

async function ping(options: PingOptions): Promise<string> {
  const redis = new Redis({
    ...options,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
  });
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis.ping();
}
