import { existsSync, readFileSync } from 'node:fs';
import { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterNode } from './cluster-node.js';
import { describeReal } from './redis-availability.js';
import { startRedisCluster, type RedisCluster, type RedisClusterOptions } from './redis-cluster.js';
import type { MoveStep } from './slot-move.js';
import { refusals } from './topology-refusals.js';

/** A bound, not an expectation: seen are two to three seconds. */
const TAKEOVER_BOUND_MS = 25_000;
/** For what waits for more than one change of the nodes. */
/** More than one batch of MIGRATE. */
const KEYS = 250;

const clients: Cluster[] = [];

function client(cluster: RedisCluster, credentials: Record<string, string> = {}): Cluster {
  const tls = cluster.certificates && {
    ca: readFileSync(cluster.certificates.ca),
    cert: readFileSync(cluster.certificates.client.cert),
    key: readFileSync(cluster.certificates.client.key),
  };
  const redis = new Cluster(
    cluster.nodes.map(({ host, port }) => ({ host, port })),
    {
      // Its ready check asks for CLUSTER INFO and INFO, which the user of these tests may not.
      enableReadyCheck: false,
      redisOptions: { ...credentials, ...(tls && { tls }), enableReadyCheck: false },
      retryDelayOnClusterDown: 50,
      retryDelayOnFailover: 50,
      maxRedirections: TAKEOVER_BOUND_MS / 50,
    },
  );
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
}

async function slotOf(node: ClusterNode, key: string): Promise<number> {
  return Number(await node.admin().call('CLUSTER', 'KEYSLOT', key));
}

describe.each<[string, RedisClusterOptions, Record<string, string>]>([
  ['plain', {}, {}],
  [
    'with TLS and ACL',
    {
      tls: true,
      requireClientCert: true,
      // The least for an application that follows slots on the move: CLUSTER SLOTS and ASKING.
      acl: [
        'user default off',
        'user app on >secret resetchannels ~app:* -@all +get +set +mget +wait +asking +cluster|slots',
      ],
    },
    { username: 'app', password: 'secret' },
  ],
])('%s', (_title, options, credentials) => {
  describeReal('startRedisCluster', () => {
    let cluster: RedisCluster;
    let app: Cluster;

    beforeAll(async () => {
      cluster = await startRedisCluster({ ...options, replicas: 1 });
      app = client(cluster, credentials);
    });

    afterAll(async () => {
      for (const redis of clients.splice(0)) redis.disconnect();
      await cluster?.stop();
    });

    it('starts with all slots on three masters, each with a replica that clients are told of', async () => {
      const [masters, replicas] = [cluster.nodes.slice(0, 3), cluster.nodes.slice(3)];
      await expect(Promise.all(masters.map((node) => node.slots()))).resolves.toEqual([
        [[0, 5461]],
        [[5462, 10922]],
        [[10923, 16383]],
      ]);
      for (const [index, master] of masters.entries()) {
        await expect(cluster.replicasOf(master)).resolves.toEqual([replicas[index]]);
      }
      for (const node of cluster.nodes) {
        const slots = (await node.admin().call('CLUSTER', 'SLOTS')) as unknown[][];
        expect(slots.map((range) => range.length)).toEqual([4, 4, 4]);
      }
      for (let at = 0; at < 30; at += 1) await expect(app.set(`app:${at}`, at)).resolves.toBe('OK');
      const sizes = await Promise.all(masters.map((node) => node.admin().dbsize()));
      expect(sizes.every((size) => size > 0)).toBe(true);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(30);
    });

    it('moves a slot with its keys and their expiry', async () => {
      const { source, target, slot } = await ends('{app}:0');
      for (let at = 0; at < KEYS; at += 1) await source.admin().set(`app:{app}:${at}`, at, 'EX', 1_000);
      const steps: MoveStep[] = [];
      await cluster.moveSlot(slot, target, { after: (step) => steps.push(step), pauseMs: 5 });
      expect(steps).toEqual(['importing', 'migrating', 'batch', 'batch', 'batch', 'taken']);
      await expect(cluster.masterOfSlot(slot)).resolves.toBe(target);
      await expect(target.admin().call('CLUSTER', 'COUNTKEYSINSLOT', slot)).resolves.toBe(KEYS);
      await expect(source.admin().call('CLUSTER', 'COUNTKEYSINSLOT', slot)).resolves.toBe(0);
      await expect(target.admin().ttl('app:{app}:7')).resolves.toBeGreaterThan(900);
      for (let at = 0; at < KEYS; at += 1) {
        await expect(app.get(`app:{app}:${at}`)).resolves.toBe(String(at));
      }
      await expect(source.admin().get('app:{app}:0')).rejects.toThrow(`MOVED ${slot} `);
    });

    it('holds a slot half way, where a client is asked to go on and to try again', async () => {
      const { source, target, slot } = await ends('{half}:0');
      for (const at of [0, 1, 2]) await source.admin().set(`app:{half}:${at}`, at);
      let held = false;
      const hold = async (step: MoveStep): Promise<void> => {
        if (step !== 'batch' || held) return;
        held = true;
        const answers = await Promise.allSettled(
          [0, 1, 2].map((at) => source.admin().get(`app:{half}:${at}`)),
        );
        const gone = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
        expect(gone.map(({ reason }) => String(reason).split(' ').slice(0, 3).join(' '))).toEqual([
          `ReplyError: ASK ${slot}`,
        ]);
        const several = source.admin().mget('app:{half}:0', 'app:{half}:1', 'app:{half}:2');
        await expect(several).rejects.toThrow('TRYAGAIN');
        for (const at of [0, 1, 2]) await expect(app.get(`app:{half}:${at}`)).resolves.toBe(String(at));
        await expect(app.set('app:{half}:new', '1')).resolves.toBe('OK');
        await expect(target.admin().call('CLUSTER', 'COUNTKEYSINSLOT', slot)).resolves.toBe(2);
      };
      await cluster.moveSlot(slot, target, { after: hold, batchSize: 1 });
      expect(held).toBe(true);
      await expect(target.admin().call('CLUSTER', 'COUNTKEYSINSLOT', slot)).resolves.toBe(4);
    });

    it('lets a replica take over as planned', async () => {
      const { source: former, slot } = await ends('{planned}');
      const [replica] = await cluster.replicasOf(former);
      if (!replica) throw new Error('No replica');
      await app.set('app:{planned}', 'kept');
      await cluster.failover(replica);
      await expect(cluster.masterOfSlot(slot)).resolves.toBe(replica);
      await cluster.waitUntilStable();
      await expect(cluster.replicasOf(replica)).resolves.toEqual([former]);
      await expect(app.get('app:{planned}')).resolves.toBe('kept');
    });

    it.each([
      ['is killed', (it: ClusterNode) => it.kill9(), (it: ClusterNode) => it.restart()],
      ['hangs', (it: ClusterNode) => it.freeze(), async (it: ClusterNode) => it.thaw()],
    ])('has a replica take over in bounded time when a master %s', async (how, lose, bringBack) => {
      const { source: former, slot } = await ends('{lost}');
      const [replica] = await cluster.replicasOf(former);
      await former.admin().set('app:{lost}', how);
      await expect(former.admin().wait(1, 5_000)).resolves.toBe(1);
      await lose(former);
      const next = await cluster.newMaster(slot, former, TAKEOVER_BOUND_MS);
      expect(next).toBe(replica);
      await cluster.waitUntilStable();
      // A new client: one that has a connection to a hung master waits on it.
      await expect(client(cluster, credentials).get('app:{lost}')).resolves.toBe(how);
      await bringBack(former);
      await cluster.waitUntilStable();
      await expect(cluster.replicasOf(next)).resolves.toEqual([former]);
      await expect(former.slots()).resolves.toEqual([]);
    });

    it('needed no right that it does not have', async () => {
      await expect(refusals(cluster.nodes)).resolves.toEqual([]);
    });

    /** The master of the slot of a key and another one. */
    async function ends(key: string): Promise<{ source: ClusterNode; target: ClusterNode; slot: number }> {
      const slot = await slotOf(cluster.nodes[0] as ClusterNode, `app:${key}`);
      const source = await cluster.masterOfSlot(slot);
      const others = await Promise.all(
        cluster.nodes.map(async (node) => (node !== source && (await node.slots()).length > 0 ? [node] : [])),
      );
      const target = others.flat()[0];
      if (!target) throw new Error('No other master');
      return { source, target, slot };
    }
  });
});

describeReal('startRedisCluster', () => {
  let cluster: RedisCluster | undefined;

  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect();
    await cluster?.stop();
    cluster = undefined;
  });

  it('refuses every slot while one has no master', async () => {
    cluster = await startRedisCluster({ appendonly: true });
    const [first, second] = cluster.nodes;
    await second?.kill9();
    const state = async () => String(await first?.admin().call('CLUSTER', 'INFO')).split('\r\n')[0];
    await expect.poll(state, { timeout: TAKEOVER_BOUND_MS }).toBe('cluster_state:fail');
    await expect(first?.admin().call('GET', '{06S}')).rejects.toThrow('CLUSTERDOWN');
    await second?.restart();
    await cluster.waitUntilStable();
    await expect(second?.admin().config('GET', 'appendonly')).resolves.toEqual(['appendonly', 'yes']);
  });

  it('serves the other slots where full coverage is not required', async () => {
    cluster = await startRedisCluster({ requireFullCoverage: false });
    const [first, second] = cluster.nodes;
    await second?.kill9();
    const flags = async () => (await first?.known())?.find(({ id }) => id === second?.id)?.flags;
    await expect.poll(flags, { timeout: TAKEOVER_BOUND_MS }).toContain('fail');
    await cluster.waitUntilStable();
    await expect(first?.admin().set('{06S}', '1')).resolves.toBe('OK');
  });

  it('shares one password, with which keys move too', async () => {
    cluster = await startRedisCluster({ requirepass: 'all "1"' });
    const app = client(cluster, { password: 'all "1"' });
    await app.set('{06S}', 'moved');
    const [first, second] = cluster.nodes;
    const slot = await slotOf(first as ClusterNode, '{06S}');
    await cluster.moveSlot(slot, second as ClusterNode);
    await expect(second?.admin().get('{06S}')).resolves.toBe('moved');
    await expect(app.get('{06S}')).resolves.toBe('moved');
  });

  it('leaves no process and no file behind, frozen or not', async () => {
    cluster = await startRedisCluster({ tls: true });
    const [first] = cluster.nodes;
    const certificates = cluster.certificates?.dir ?? '';
    await first?.freeze();
    await cluster.stop();
    expect(cluster.nodes.filter(({ running }) => running)).toEqual([]);
    const left = cluster.nodes.map(({ server }) => server.dir).filter((dir) => existsSync(dir));
    expect([...left, existsSync(certificates)]).toEqual([false]);
  });
});
