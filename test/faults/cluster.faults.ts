import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { keySlot } from '../../src/redis/key-slot.js';
import { PURPOSES, type PurposeRedis, aclRule } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';
import { waitFor } from '../support/wait-for.js';
import { FULL } from './support/selection.js';
import { CANARY } from './support/site.js';
import { reportSeen } from './support/topology-report.js';
import { type Seen, Workload } from './support/workload.js';

const BACK_MS = 30_000;
/** Slots that the workload writes to all the time. */
const BUSY_SLOTS = Array.from({ length: 24 }, (_, index) => keySlot(`{${index % 6}:${index * 4}}`));

interface Blow {
  readonly strike: (cluster: RedisCluster) => Promise<void>;
  /** Who may see failed calls: a server that becomes a replica cuts off those that wait for one. */
  readonly failures: 'nobody' | 'who waits' | 'everybody';
}

const BLOWS: Readonly<Record<string, Blow>> = {
  'slots that are moved': { strike: moveSlots, failures: 'nobody' },
  'a planned fail-over': {
    strike: async (cluster) => {
      const master = await cluster.masterOfSlot(BUSY_SLOTS[0] ?? 0);
      const [replica] = await cluster.replicasOf(master);
      if (replica) await cluster.failover(replica);
    },
    failures: 'who waits',
  },
  // With one replica each, the new primary has none until the old one is back: writes that wait for one wait for it.
  'a killed primary': {
    strike: async (cluster) => {
      const former = await cluster.masterOfSlot(BUSY_SLOTS[0] ?? 0);
      await former.kill9();
      await cluster.newMaster(BUSY_SLOTS[0] ?? 0, former);
      await former.restart();
    },
    failures: 'everybody',
  },
  'a primary that hangs': {
    strike: async (cluster) => {
      const former = await cluster.masterOfSlot(BUSY_SLOTS[0] ?? 0);
      await former.freeze();
      await cluster.newMaster(BUSY_SLOTS[0] ?? 0, former);
      former.thaw();
    },
    failures: 'everybody',
  },
};

/** Each slot to the next primary, held half way, so that ASK and TRYAGAIN are met as well as MOVED. */
async function moveSlots(cluster: RedisCluster): Promise<void> {
  const masters = cluster.nodes.slice(0, 3);
  for (const slot of BUSY_SLOTS) {
    const source = await cluster.masterOfSlot(slot);
    const target = masters[(masters.indexOf(source) + 1) % masters.length];
    if (target) await cluster.moveSlot(slot, target, { batchSize: 3, pauseMs: 5 });
  }
}

const VARIANTS = [
  { title: 'TLS and ACL', secure: true },
  { title: 'plain', secure: false },
].slice(0, FULL ? 2 : 1);
const SELECTED = Object.keys(BLOWS).slice(0, FULL ? undefined : 3);

describe.each(VARIANTS)('On a cluster, $title,', ({ title, secure }) => {
  describeReal('callers outlive', () => {
    let cluster: RedisCluster;
    let core: Compartments;
    beforeAll(async () => {
      cluster = await startRedisCluster({ replicas: 1, ...(secure ? secureOptions() : {}) });
      core = await openCompartments(['authCache', 'securityTokens'], {
        ...variables('AUTH_CACHE_REDIS', 'auth-app'),
        ...variables('SECURITY_TOKEN_REDIS', 'st-app'),
      });
    });
    afterAll(async () => {
      await core?.close();
      await cluster?.stop();
    });

    it.each(SELECTED)('%s', async (name) => {
      const blow = BLOWS[name] as Blow;
      await cluster.waitUntilStable();
      await allUp();
      const tokens = new Workload(core.client('securityTokens'), { namespace: 'st', spends: true });
      const other = core.client('authCache') as unknown as PurposeRedis<'securityTokens'>;
      const cache = new Workload(other, { namespace: 'auth', spends: false });
      await sleep(400);
      const blowMs = performance.now();
      await blow.strike(cluster);
      await allUp();
      await waitFor(() => tokens.quietMs > 300 && cache.quietMs > 300, {
        what: 'calls that pass again',
        timeoutMs: BACK_MS,
      });
      await sleep(500);
      const seen = { tokens: await tokens.stop(), cache: await cache.stop() };
      await cluster.waitUntilStable();
      masters.clear();

      const lost = { tokens: await lostOf(seen.tokens), cache: await lostOf(seen.cache) };
      reportSeen(`Cluster ${title}, ${name}: securityTokens`, seen.tokens, blowMs, lost.tokens);
      reportSeen(`Cluster ${title}, ${name}: authCache`, seen.cache, blowMs, lost.cache);
      expect([...seen.tokens.foreign, ...seen.cache.foreign]).toEqual([]);
      expect(seen.tokens.writes).toBeGreaterThan(100);
      expect(seen.tokens.spent.length).toBeGreaterThan(10);
      const { tokens: waiting, cache: free } = seen;
      expect(blow.failures === 'everybody' ? {} : free.failed).toEqual({});
      expect(blow.failures === 'nobody' ? waiting.failed : {}).toEqual({});
      expect(lost.tokens).toBe(0);
      expect(await present(seen.tokens.spent)).toEqual([]);
    });

    function secureOptions() {
      const rules = (['authCache', 'securityTokens'] as const).map((purpose) => {
        const definition = PURPOSES[purpose];
        const waitReplicas = purpose === 'securityTokens' ? 1 : 0;
        const user = `${definition.namespace}-app`;
        const rule = aclRule({ user, definition, db: 0, topology: 'cluster', waitReplicas });
        return rule.replace('>PASSWORD', `>${CANARY}`);
      });
      return { tls: true, acl: ['user default off', ...rules] };
    }

    function variables(stem: string, user: string): Record<string, string> {
      const [first, ...others] = cluster.nodes;
      return {
        [`${stem}_URL`]: `${secure ? `rediss://${user}:${CANARY}@` : 'redis://'}127.0.0.1:${first?.port}`,
        [`${stem}_TOPOLOGY`]: 'cluster',
        [`${stem}_NODES`]: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
        ...(secure ? { [`${stem}_TLS_CA_FILE`]: cluster.certificates?.ca ?? '' } : {}),
      };
    }

    async function allUp(): Promise<void> {
      await waitFor(() => core.status.all().every(({ state }) => state === 'up'), {
        what: 'both purposes up',
        timeoutMs: BACK_MS,
      });
    }

    /** Acknowledged writes that the primaries of now do not have. */
    async function lostOf({ kept }: Seen): Promise<number> {
      return kept.length - (await present(kept)).length;
    }

    async function present(keys: readonly string[]): Promise<string[]> {
      const found = await Promise.all(
        keys.map(async (key) => {
          const node = await masterOf(keySlot(key));
          return (await node.admin().exists(key)) === 1 ? [key] : [];
        }),
      );
      return found.flat();
    }

    /** Nothing moves any more, so each slot is asked for once. */
    function masterOf(slot: number) {
      const known = masters.get(slot) ?? cluster.masterOfSlot(slot);
      masters.set(slot, known);
      return known;
    }
    const masters = new Map<number, ReturnType<RedisCluster['masterOfSlot']>>();
  });
});
