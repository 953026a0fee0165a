import type { Environment } from '../../../src/config/index.js';
import type { RedisServer } from '../../support/redis-server.js';
import { type PurposeName, STEMS, local, production } from './row.js';
import { passwordOf } from './servers.js';
import { MASTER, type TopologyServers } from './topology-servers.js';

type Variables = Readonly<Record<string, string>>;

/** Variables of one purpose, by what follows its stem. */
export function of(purpose: PurposeName, variables: Variables): Environment {
  return Object.fromEntries(
    Object.entries(variables).map(([suffix, value]) => [`${STEMS[purpose]}_${suffix}`, value]),
  );
}

export const nodeOf = ({ host, port }: RedisServer): string => `${host}:${port}`;

/** Security tokens behind Sentinels, in the profile that enforces nothing; must be there when the start ends. */
export function sentinels(servers: TopologyServers, changes: Variables = {}): Environment {
  const [first, second] = servers.watched.sentinels;
  return {
    ...local(servers),
    ...REQUIRED,
    ...of('securityTokens', {
      URL: first.url(),
      NODES: nodeOf(second),
      TOPOLOGY: 'sentinel',
      SENTINEL_NAME: MASTER,
      ...changes,
    }),
  };
}

/** The same in a production that starts: TLS, a user on the servers and another one at the Sentinels. */
export function guardedSentinels(
  servers: TopologyServers,
  changes: Variables = {},
  user = 'securityTokens',
): Environment {
  const [first, second] = servers.guardedWatched.sentinels;
  return {
    ...production(servers),
    ...REQUIRED,
    ...of('securityTokens', {
      URL: first.url({ username: user, password: passwordOf(user) }),
      NODES: nodeOf(second),
      TOPOLOGY: 'sentinel',
      SENTINEL_NAME: MASTER,
      SENTINEL_USERNAME: 'watcher',
      SENTINEL_PASSWORD: passwordOf('watcher'),
      ...changes,
    }),
  };
}

/** The cache on a cluster of one node, in the profile that enforces nothing. */
export function cluster(servers: TopologyServers, changes: Variables = {}): Environment {
  const [node] = servers.clusters;
  return {
    ...local(servers),
    READINESS_REQUIRED_PURPOSES: 'authCache',
    REDIS_START_DEADLINE_MS: '2s',
    ...of('authCache', { URL: node.url(), NODES: nodeOf(node), TOPOLOGY: 'cluster', ...changes }),
  };
}

/** `purpose` on a cluster of one node in a production that starts where no replica is asked for. */
export function guardedCluster(
  servers: TopologyServers,
  purpose: 'authCache' | 'securityTokens',
  changes: Variables = {},
  user: string = purpose,
): Environment {
  const node = servers.guardedCluster;
  return {
    ...production(servers),
    ...of(purpose, {
      URL: node.url({ username: user, password: passwordOf(user) }),
      NODES: nodeOf(node),
      TOPOLOGY: 'cluster',
      ...changes,
    }),
  };
}

const REQUIRED = { READINESS_REQUIRED_PURPOSES: 'securityTokens', REDIS_START_DEADLINE_MS: '2s' };
