import { cluster, guardedCluster, nodeOf, of } from './arrangements.js';
import { MISCONFIGURED, type Row, UNREACHABLE, fault, local } from './row.js';
import type { TopologyServers } from './topology-servers.js';

type TopologyRow = Row<TopologyServers>;

const TOPOLOGY = /standalone, sentinel or cluster/;
const NODES = /servers that belong together/;
const ADDRESS = /Correct the address/;
const NO_NODE = /is no node of a cluster \(topology\)/;

const addresses: readonly TopologyRow[] = [
  {
    title: 'nodes of a cluster where nothing listens',
    env: (s) =>
      cluster(s, { URL: `redis://127.0.0.1:${s.refusedPort}`, NODES: `127.0.0.1:${s.refusedPort}` }),
    exitCode: UNREACHABLE,
    faults: [fault('authCache', 'URL', /nothing listens there \(refused\)/, ADDRESS)],
  },
  {
    title: 'standalone servers for a cluster',
    env: (s) => cluster(s, { URL: s.plain.url(), NODES: nodeOf(s.watched.primary) }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'TOPOLOGY', NO_NODE, TOPOLOGY)],
  },
  {
    title: 'a standalone server for a cluster, and nothing in the list of its nodes',
    env: (s) => cluster(s, { URL: s.plain.url(), NODES: `127.0.0.1:${s.refusedPort}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'TOPOLOGY', NO_NODE, TOPOLOGY)],
  },
  {
    title: 'a standalone server in the URL of a cluster',
    env: (s) => cluster(s, { URL: s.plain.url() }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'URL', NO_NODE, ADDRESS)],
  },
  {
    title: 'a standalone server in the list of nodes',
    env: (s) => cluster(s, { NODES: nodeOf(s.plain) }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'NODES', NO_NODE, NODES)],
  },
  {
    title: 'Sentinels for a cluster',
    env: (s) => {
      const [first, second] = s.watched.sentinels;
      return cluster(s, { URL: first.url(), NODES: nodeOf(second) });
    },
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'TOPOLOGY', NO_NODE, TOPOLOGY)],
  },
  {
    title: 'a Sentinel in the list of nodes',
    env: (s) => cluster(s, { NODES: nodeOf(s.watched.sentinels[0]) }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'NODES', NO_NODE, NODES)],
  },
  {
    title: 'a node of a cluster for a standalone server',
    env: (s) => local(s, of('authCache', { URL: s.clusters[0].url() })),
    exitCode: MISCONFIGURED,
    faults: [
      fault('authCache', 'TOPOLOGY', /is a node of a cluster, and the topology is standalone/, TOPOLOGY),
    ],
  },
  {
    title: 'nodes of two clusters',
    env: (s) => cluster(s, { NODES: nodeOf(s.clusters[1]) }),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'authCache',
        'NODES',
        /127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+ belong to different clusters \(topology\)/,
        NODES,
      ),
    ],
  },
  {
    title: 'a cluster whose slots nobody has',
    env: (s) => cluster(s, { URL: s.emptyCluster.url(), NODES: nodeOf(s.emptyCluster) }),
    exitCode: UNREACHABLE,
    faults: [fault('authCache', 'URL', /primary for every slot \(clusterdown\)/, /on the server/)],
  },
];

const rights: readonly TopologyRow[] = [
  {
    title: 'a wrong password at a cluster',
    env: (s) =>
      guardedCluster(s, 'authCache', {
        URL: s.guardedCluster.url({ username: 'authCache', password: 'canary-wrong' }),
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('authCache', 'PASSWORD', /refused the user or the password \(auth\)/, /AUTH_CACHE_REDIS_URL/),
    ],
  },
  {
    title: 'a user who may not ask a cluster for its slots',
    env: (s) => guardedCluster(s, 'authCache', {}, 'lacks-cluster'),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'authCache',
        'USERNAME',
        /refuses CLUSTER INFO or SLOTS \(noperm\)/,
        /redis acl --purpose authCache --topology cluster/,
      ),
    ],
  },
  {
    title: 'a user who may not follow a slot that is on its way',
    env: (s) => guardedCluster(s, 'authCache', {}, 'lacks-asking'),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'authCache',
        'USERNAME',
        /refuses asking \(commands\)/,
        /redis acl --purpose authCache --topology cluster/,
      ),
    ],
  },
];

const replicas: readonly TopologyRow[] = [
  {
    title: 'replicas of a cluster that has none',
    env: (s) => cluster(s, { WAIT_REPLICAS: '1' }),
    exitCode: UNREACHABLE,
    faults: [
      fault(
        'authCache',
        'WAIT_REPLICAS',
        /too few replicas take the writes \(noreplicas\)/,
        /enough replicas follow the primary/,
      ),
    ],
  },
  {
    title: 'in production a cluster where nothing waits for a replica',
    env: (s) => guardedCluster(s, 'securityTokens', { WAIT_REPLICAS: '0' }),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'securityTokens',
        'WAIT_REPLICAS',
        /nothing waits for a replica \(replication\)/,
        /Set it to 1, or min-replicas-to-write/,
      ),
    ],
  },
];

export const clusterRows: readonly TopologyRow[] = [...addresses, ...rights, ...replicas];
