import { guardedSentinels, nodeOf, of, sentinels } from './arrangements.js';
import { MISCONFIGURED, type Row, UNREACHABLE, fault, guardedUrl, local, production } from './row.js';
import { passwordOf } from './servers.js';
import { MASTER, OPEN_MASTER, type TopologyServers } from './topology-servers.js';

type TopologyRow = Row<TopologyServers>;

const TOPOLOGY = /standalone, sentinel or cluster/;
const NODES = /servers that belong together/;
const ADDRESS = /Correct the address/;
const awayAt = (port: number): string => `127.0.0.1:${port}`;

const addresses: readonly TopologyRow[] = [
  {
    title: 'Sentinels where nothing listens',
    env: (s) => sentinels(s, { URL: `redis://${awayAt(s.refusedPort)}`, NODES: awayAt(s.refusedPort) }),
    exitCode: UNREACHABLE,
    faults: [
      fault(
        'securityTokens',
        'URL',
        /Sentinel at 127\.0\.0\.1:\d+: nothing listens there \(refused\)/,
        ADDRESS,
      ),
    ],
  },
  {
    title: 'a data server in the URL in place of a Sentinel',
    env: (s) => sentinels(s, { URL: s.plain.url() }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL', /is no Sentinel \(topology\)/, ADDRESS)],
  },
  {
    title: 'a data server in the list of Sentinels',
    env: (s) => sentinels(s, { NODES: nodeOf(s.plain) }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'NODES', /is no Sentinel \(topology\)/, NODES)],
  },
  {
    title: 'a node of a cluster in the list of Sentinels',
    env: (s) => sentinels(s, { NODES: nodeOf(s.clusters[0]) }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'NODES', /is no Sentinel \(topology\)/, NODES)],
  },
  {
    title: 'data servers and no Sentinel at all',
    env: (s) => sentinels(s, { URL: s.watched.primary.url(), NODES: nodeOf(s.watched.replica) }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'TOPOLOGY', /is no Sentinel \(topology\)/, TOPOLOGY)],
  },
  {
    title: 'a Sentinel for a standalone server',
    env: (s) => local(s, of('securityTokens', { URL: s.watched.sentinels[0].url() })),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'TOPOLOGY', /is a Sentinel, and the topology is standalone/, TOPOLOGY)],
  },
  {
    title: 'a primary that the Sentinels know by another name',
    env: (s) => sentinels(s, { SENTINEL_NAME: 'mymaster' }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('securityTokens', 'SENTINEL_NAME', /knows no primary named mymaster/, /sentinel monitor <name>/),
    ],
  },
  {
    title: 'a database that the servers behind Sentinels do not have',
    env: (s) => sentinels(s, { URL: s.watched.sentinels[0].url({ db: 16 }) }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('securityTokens', 'URL', /primary at 127\.0\.0\.1:\d+: .*SELECT 16 \(select\)/, /database/),
    ],
  },
  {
    title: 'TLS spoken to Sentinels without it',
    env: (s) => sentinels(s, { URL: s.watched.sentinels[0].url().replace('redis:', 'rediss:') }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL', /does not speak TLS on that port/, /scheme and port agree/)],
  },
  {
    title: 'an authority that did not sign the certificates of the Sentinels',
    env: (s) => guardedSentinels(s, { TLS_CA_FILE: s.certificates.otherCa }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('securityTokens', 'TLS_CA_FILE', /the Sentinel at .*trusted authority \(tls\)/, /PEM file/),
    ],
  },
];

const REFUSED = /the Sentinel at 127\.0\.0\.1:\d+ refused the user or the password \(auth\)/;
const SENTINEL_USERS = /SENTINEL_USERNAME; the Sentinels have users of their own/;

const credentials: readonly TopologyRow[] = [
  {
    title: 'no password for Sentinels that ask for one',
    env: (s) => guardedSentinels(s, { SENTINEL_USERNAME: '', SENTINEL_PASSWORD: '' }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'SENTINEL_PASSWORD', REFUSED, SENTINEL_USERS)],
  },
  {
    title: 'a wrong password at the Sentinels',
    env: (s) => guardedSentinels(s, { SENTINEL_PASSWORD: 'canary-wrong' }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'SENTINEL_PASSWORD', REFUSED, SENTINEL_USERS)],
  },
  {
    title: 'a user that the Sentinels do not know',
    env: (s) => guardedSentinels(s, { SENTINEL_USERNAME: 'nobody' }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'SENTINEL_PASSWORD', REFUSED, SENTINEL_USERS)],
  },
  {
    title: 'a user at the Sentinels who may not ask for the primary',
    env: (s) =>
      guardedSentinels(s, {
        SENTINEL_USERNAME: 'lacks-master',
        SENTINEL_PASSWORD: passwordOf('lacks-master'),
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'securityTokens',
        'SENTINEL_USERNAME',
        /the Sentinel at .* grants no SENTINEL MASTER.*\(noperm\)/,
        /redis acl --purpose securityTokens --sentinels/,
      ),
    ],
  },
  {
    title: 'a wrong password at the servers behind Sentinels',
    env: (s) =>
      guardedSentinels(s, {
        URL: s.guardedWatched.sentinels[0].url({ username: 'securityTokens', password: 'canary-wrong' }),
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'securityTokens',
        'PASSWORD',
        /the primary at 127\.0\.0\.1:\d+: the server refused the user or the password/,
        /SECURITY_TOKEN_REDIS_URL/,
      ),
    ],
  },
  {
    title: 'in production anonymous access to the server behind guarded Sentinels',
    env: (s) => {
      const [first, second] = s.guardedWatched.sentinels;
      return {
        ...production(s),
        ...of('authCache', {
          URL: first.url({ username: 'authCache', password: passwordOf('authCache') }),
          NODES: nodeOf(second),
          TOPOLOGY: 'sentinel',
          SENTINEL_NAME: OPEN_MASTER,
          SENTINEL_USERNAME: 'watcher',
          SENTINEL_PASSWORD: passwordOf('watcher'),
        }),
      };
    },
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'URL', /primary at .* lets anybody in/, /default user off/)],
  },
];

const replicas: readonly TopologyRow[] = [
  {
    title: 'more replicas than follow the primary',
    env: (s) => sentinels(s, { WAIT_REPLICAS: '2' }),
    exitCode: UNREACHABLE,
    faults: [
      fault(
        'securityTokens',
        'WAIT_REPLICAS',
        /too few replicas take the writes \(noreplicas\)/,
        /enough replicas follow the primary/,
      ),
    ],
  },
  {
    title: 'in production no replica to wait for and none that the primary asks for',
    env: (s) => guardedSentinels(s, { WAIT_REPLICAS: '0' }),
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
  {
    title: 'a user who may not wait for replicas',
    env: (s) => guardedSentinels(s, {}, 'lacks-wait'),
    exitCode: MISCONFIGURED,
    faults: [
      fault(
        'securityTokens',
        'USERNAME',
        /refuses wait \(commands\)/,
        /redis acl --purpose securityTokens --topology sentinel/,
      ),
    ],
  },
];

/** The neighbours are as they should be: what is reported is the purpose in question, and nothing else. */
const beside: readonly TopologyRow[] = [
  {
    title: 'Sentinels with a wrong name beside a purpose with a wrong user',
    env: (s) => ({
      ...sentinels(s, { SENTINEL_NAME: `${MASTER}2` }),
      AUTH_CACHE_REDIS_URL: guardedUrl(s, 'canary-nobody', true),
    }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('securityTokens', 'SENTINEL_NAME', /knows no primary named bulkhead2/, /sentinel monitor/),
      fault('authCache', 'PASSWORD', /\(auth\)/, /user and password/),
    ],
  },
];

export const sentinelRows: readonly TopologyRow[] = [...addresses, ...credentials, ...replicas, ...beside];
