import { PURPOSES, aclRule, sentinelAclRule } from '../../../src/redis/index.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../../support/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { type Servers, nothingLeftConnected, passwordOf, startServers } from './servers.js';

/** The name that the Sentinels know the primary by. */
export const MASTER = 'bulkhead';
/** To the guarded Sentinels: a server with users, where anybody is let in all the same. */
export const OPEN_MASTER = 'open';

/** One server that a replica follows, and who watches it. */
interface Watched {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly [RedisServer, RedisServer];
}

export interface TopologyServers extends Servers {
  /** Ask nobody for a password. */
  readonly watched: Watched;
  /** TLS, and ACL users on the servers and at the Sentinels. */
  readonly guardedWatched: Watched;
  /** Two clusters of one node each. */
  readonly clusters: readonly [RedisServer, RedisServer];
  /** A cluster of one node with TLS and ACL users. */
  readonly guardedCluster: RedisServer;
  /** A node of a cluster that nobody gave a slot. */
  readonly emptyCluster: RedisServer;
}

type Kind = 'sentinel' | 'cluster';

const withPassword = (user: string, rule: string): string =>
  rule.replace('>PASSWORD', `>${passwordOf(user)}`);
const ruleFor = (user: string, purpose: keyof typeof PURPOSES, topology: Kind, waitReplicas: number) =>
  withPassword(user, aclRule({ user, definition: PURPOSES[purpose], db: 0, topology, waitReplicas }));

const DATA_USERS = [
  'user default off',
  ruleFor('securityTokens', 'securityTokens', 'sentinel', 1),
  ruleFor('lacks-wait', 'securityTokens', 'sentinel', 0),
  withPassword('peer', 'user peer on >PASSWORD ~* &* +@all'),
];
const SENTINEL_USERS = [
  withPassword('sentinel', 'user default on >PASSWORD ~* &* +@all'),
  withPassword('watcher', sentinelAclRule('watcher')),
  withPassword('lacks-master', sentinelAclRule('lacks-master').replace('+sentinel|master ', '')),
];
const CLUSTER_USERS = [
  'user default off',
  ruleFor('authCache', 'authCache', 'cluster', 0),
  ruleFor('securityTokens', 'securityTokens', 'cluster', 1),
  ruleFor('lacks-cluster', 'authCache', 'sentinel', 0),
  ruleFor('lacks-asking', 'authCache', 'cluster', 0).replace(' +asking', ''),
];

export async function startTopologyServers(): Promise<TopologyServers> {
  const servers = await startServers();
  const tls = { ...servers.certificates.server, ca: servers.certificates.ca };
  const watched = await startWatched({}, {});
  const guardedWatched = await startWatched(
    {
      tls,
      acl: DATA_USERS,
      configLines: ['tls-replication yes', 'masteruser peer', `masterauth ${passwordOf('peer')}`],
    },
    {
      tls,
      acl: SENTINEL_USERS,
      configLines: [
        'tls-replication yes',
        `sentinel auth-user ${MASTER} peer`,
        `sentinel auth-pass ${MASTER} ${passwordOf('peer')}`,
        `sentinel sentinel-pass ${passwordOf('sentinel')}`,
        ...monitoring(OPEN_MASTER, servers.open),
      ],
    },
  );
  const guardedCluster = await startClusterNode({
    tls,
    acl: CLUSTER_USERS,
    configLines: ['tls-cluster yes', 'tls-replication yes'],
  });
  const clusters = [await startClusterNode(), await startClusterNode()] as const;
  const emptyCluster = await startRedisServer({ cluster: true });
  const data = [watched, guardedWatched].flatMap(({ primary, replica }) => [replica, primary]);
  const sentinels = [watched, guardedWatched].flatMap((one) => one.sentinels);
  const further = [...sentinels, ...data, ...clusters, guardedCluster, emptyCluster];
  return {
    ...servers,
    watched,
    guardedWatched,
    clusters,
    guardedCluster,
    emptyCluster,
    nothingLeftConnected: async () => {
      await servers.nothingLeftConnected();
      await nothingLeftConnected(further);
    },
    stop: async () => {
      // Sentinels first, so that none sees its primary leave.
      for (const server of further) await server.kill9();
      await Promise.all(further.map((server) => server.stop()));
      await servers.stop();
    },
  };
}

/** None of these tests is about a fail-over, and a busy machine must not start one. */
function monitoring(name: string, { host, port }: RedisServer): string[] {
  return [`sentinel monitor ${name} ${host} ${port} 2`, `sentinel down-after-milliseconds ${name} 60000`];
}

async function startWatched(data: RedisServerOptions, sentinel: RedisServerOptions): Promise<Watched> {
  const lines = [...(data.configLines ?? []), 'repl-diskless-sync-delay 0'];
  const primary = await startRedisServer({ ...data, configLines: lines });
  const replicaof = `replicaof ${primary.host} ${primary.port}`;
  const replica = await startRedisServer({ ...data, configLines: [...lines, replicaof] });
  await waitFor(async () => (await primary.admin().info('replication')).includes('state=online'), {
    what: 'the replica to be in step',
    timeoutMs: 20_000,
  });
  const configLines = [...monitoring(MASTER, primary), ...(sentinel.configLines ?? [])];
  const watch = () => startRedisServer({ ...sentinel, configLines, extraArgs: ['--sentinel'] });
  return { primary, replica, sentinels: [await watch(), await watch()] };
}

async function startClusterNode(options: RedisServerOptions = {}): Promise<RedisServer> {
  const node = await startRedisServer({ ...options, cluster: true });
  await node.admin().call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  await waitFor(async () => String(await node.admin().call('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    what: 'the only node to take its slots over',
  });
  return node;
}
