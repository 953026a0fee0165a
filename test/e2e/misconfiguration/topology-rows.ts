import { of } from './arrangements.js';
import { type ExpectedFault, MISCONFIGURED, type Row, fault, local } from './row.js';

/** Settings that contradict each other before anybody is asked; nothing of it reaches a socket. */
const row = (title: string, variables: Record<string, string>, ...faults: readonly ExpectedFault[]): Row => ({
  title,
  env: (servers) => local(servers, of('securityTokens', variables)),
  exitCode: MISCONFIGURED,
  faults,
});

const NAME = { TOPOLOGY: 'sentinel', SENTINEL_NAME: 'bulkhead' };
const FORM = /host-2:6379,host-3:6379/;
const nameless = fault('securityTokens', 'SENTINEL_NAME', /is not set/, /sentinel monitor <name>/);
const alone = fault(
  'securityTokens',
  'NODES',
  /is not set, so that nobody can be asked when 127\.0\.0\.1:\d+ is away/,
  /other Sentinels/,
);

const halves: readonly Row[] = [
  row('Sentinels without the name of the primary', { TOPOLOGY: 'sentinel', NODES: 'host:26379' }, nameless),
  row('one Sentinel without others', NAME, alone),
  row('Sentinels without others and without the name', { TOPOLOGY: 'sentinel' }, alone, nameless),
  row(
    'one node of a cluster without others',
    { TOPOLOGY: 'cluster' },
    fault('securityTokens', 'NODES', /is not set, so that nobody/, /other nodes of the cluster/),
  ),
  row(
    'nodes beside a standalone server',
    { NODES: 'host:6379' },
    fault('securityTokens', 'NODES', /standalone server has no other nodes/, /SECURITY_TOKEN_REDIS_TOPOLOGY/),
  ),
  row(
    'nodes that cannot be read beside a standalone server, as one fault',
    { NODES: 'canary' },
    fault('securityTokens', 'NODES', /standalone server has no other nodes/, /Remove it/),
  ),
  row(
    'everything about Sentinels beside a standalone server',
    { SENTINEL_NAME: 'bulkhead', SENTINEL_USERNAME: 'watcher', SENTINEL_PASSWORD: 'canary' },
    fault('securityTokens', 'SENTINEL_NAME', /the topology is standalone/, /Remove it/),
    fault('securityTokens', 'SENTINEL_USERNAME', /the topology is standalone/, /Remove it/),
    fault('securityTokens', 'SENTINEL_PASSWORD', /the topology is standalone/, /Remove it/),
  ),
  row(
    'the name of Sentinels beside a cluster',
    { TOPOLOGY: 'cluster', NODES: 'host:6379', SENTINEL_NAME: 'bulkhead' },
    fault('securityTokens', 'SENTINEL_NAME', /the topology is cluster/, /Remove it/),
  ),
  row(
    'a user of the Sentinels without a password',
    { ...NAME, NODES: 'host:26379', SENTINEL_USERNAME: 'watcher' },
    fault('securityTokens', 'SENTINEL_PASSWORD', /is not set although a user/, /both or none/),
  ),
];

const lists: readonly Row[] = (
  [
    ['a node without a port', 'canary-host'],
    ['a node that is a URL', 'redis://:canary@host:6379'],
    ['a node with a password', ':canary@host:6379'],
    ['port 0 of a node', 'host:0'],
    ['port 65536 of a node', 'host:65536'],
    ['a list of nodes that ends with a comma', 'host:6379,'],
    ['a list of nodes between blanks', 'host:6379 host-2:6379'],
    ['a list of nodes that is blank', '  '],
    ['an IPv6 node without brackets', '::1:6379'],
    ['an IPv6 node that is none', '[1:2]:6379'],
  ] as const
).map(([title, nodes]) =>
  row(
    title,
    { TOPOLOGY: 'cluster', NODES: nodes },
    fault('securityTokens', 'NODES', /is not a list of host:port/, FORM),
  ),
);

const numbers: readonly Row[] = [
  {
    title: 'a database of a cluster',
    env: (s) =>
      local(
        s,
        of('securityTokens', { URL: s.plain.url({ db: 1 }), TOPOLOGY: 'cluster', NODES: 'host:6379' }),
      ),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL', /database 1, and a cluster has database 0 only/, /\/0/)],
  },
  {
    title: 'a database of a cluster in the URL of all purposes',
    env: (s) =>
      local(s, {
        REDIS_URL: s.plain.url({ db: 1 }),
        ...of('securityTokens', { TOPOLOGY: 'cluster', NODES: 'host:6379' }),
      }),
    exitCode: MISCONFIGURED,
    faults: [{ variable: 'REDIS_URL', purpose: 'securityTokens', rule: /database 0 only/, remedy: /\/0/ }],
  },
  row(
    'more replicas than anybody has',
    { WAIT_REPLICAS: '6' },
    fault('securityTokens', 'WAIT_REPLICAS', /must not be greater than 5/, /Replicas that must have a write/),
  ),
  row(
    'fewer replicas than none',
    { WAIT_REPLICAS: '-1' },
    fault('securityTokens', 'WAIT_REPLICAS', /must not be less than 0/, /Replicas that must have a write/),
  ),
  row(
    'half a replica',
    { WAIT_REPLICAS: '0.5' },
    fault('securityTokens', 'WAIT_REPLICAS', /must be an integer/, /Replicas that must have a write/),
  ),
  row(
    'replicas that are no number',
    { WAIT_REPLICAS: 'canary' },
    fault('securityTokens', 'WAIT_REPLICAS', /must be a number/, /Replicas that must have a write/),
  ),
];

export const topologyRows: readonly Row[] = [...halves, ...lists, ...numbers];
