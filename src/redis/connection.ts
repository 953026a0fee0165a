import { aclOptions } from './acl-rule.js';
import { type Environment, type Fault, type Profile, isLocal } from '../config/index.js';
import type { RedisTarget } from './connection-url.js';
import { LiveAccess } from './live-access.js';
import { type ConnectionRequest, resolveLogin } from './login.js';
import type { RedisSettings } from './redis.config.js';
import { readTls, tlsFileFaults } from './tls-material.js';
import { type Topology, resolveTopology, usualWaitReplicas } from './topology/topology.js';

/** How one purpose reaches its server, and which variable decided it. */
export interface Connection {
  readonly engine: 'redis' | 'embedded';
  /** Undefined for the embedded engine, which picks its own port. */
  readonly target?: RedisTarget;
  readonly access: LiveAccess;
  readonly topology: Topology;
  /** Replicas that must have a write before it counts. */
  readonly waitReplicas: number;
  /** The variable that won, or what stands in for one. */
  readonly source: string;
}

/**
 * Resolves a purpose to a server: URL in code › own variable › REDIS_URL › refusal. The embedded engine
 * runs where it was asked for by name, that is by profile or by REDIS_ENGINE, never because a variable is
 * missing in development, staging or production.
 */
export function resolveConnection(request: ConnectionRequest): Connection | Fault[] {
  const { definition, own, shared, profile, purpose } = request;
  if (shared.engine === 'embedded') return embedded('REDIS_ENGINE');
  const login = resolveLogin(request);
  if (!login) {
    if (request.sharedUrlBroken) return [];
    const local = profile === 'demo' || profile === 'test';
    if (local && shared.engine !== 'redis') return embedded(`profile ${profile}`);
    return [
      {
        variable: `${definition.env}_URL`,
        purpose,
        rule: 'is not set, and neither is REDIS_URL; a purpose never falls back to an in-process engine by itself',
        remedy: `Set ${definition.env}_URL or REDIS_URL${isLocal(profile) ? HELP_FOR_DEVELOPERS : ''}`,
      },
    ];
  }
  if ('rule' in login) return [login];
  const { target, credentials, sentinels, source } = login;
  const topology = resolveTopology({ ...request, url: { ...target, source }, sentinels });
  const found = Array.isArray(topology) ? topology : [];
  const faults = [...login.faults, ...tlsFileFaults(request, target), ...found];
  if (Array.isArray(topology) || faults.length > 0) return faults;
  const access = new LiveAccess(credentials, readTls(own, target));
  return {
    engine: 'redis',
    target,
    access,
    topology,
    waitReplicas: own.waitReplicas ?? usualWaitReplicas(definition, topology.kind),
    source,
  };
}

/** One server of its own, which asks nobody for a password. */
function embedded(source: string): Connection {
  const access = new LiveAccess({}, {});
  return { engine: 'embedded', access, topology: { kind: 'standalone' }, waitReplicas: 0, source };
}

const HELP_FOR_DEVELOPERS =
  ' (cp .env.example .env names the servers of docker-compose.yml), or look at it without Redis: npm run demo';

/** A rule of the profile that a connection breaks: refused outside local profiles, warned in development. */
export function policyFaults(request: ConnectionRequest, connection: Connection): Fault[] {
  const { purpose, definition, provider } = request;
  const { target, access, source, topology, waitReplicas } = connection;
  if (!target) return [];
  const faults: Fault[] = [];
  if (!target.tls) {
    faults.push({
      variable: source,
      purpose,
      rule: 'connects without TLS, so that passwords and data cross the network readable',
      remedy: 'Write rediss://, or set REDIS_TLS=true',
    });
  }
  // What a provider gives is judged when it has given it.
  if (provider) return faults;
  if (!access.credentials.password) {
    faults.push({
      variable: `${definition.env}_PASSWORD`,
      purpose,
      rule: 'is not set, and neither does the URL hold a password',
      remedy: `Set ${definition.env}_PASSWORD or ${definition.env}_PASSWORD_FILE`,
    });
  }
  if (definition.aclUser === 'required' && access.user === 'default') {
    const rule = { definition, db: target.db, topology: topology.kind, waitReplicas };
    faults.push({
      variable: `${definition.env}_USERNAME`,
      purpose,
      rule: 'must name an ACL user other than default, because this purpose holds personal data',
      remedy: `Create one with the rule that "redis acl ${aclOptions(purpose, rule)}" prints, and name it here`,
    });
  }
  return faults;
}

/** Rules about the whole process, whatever the purposes. */
export function processFaults(env: Environment, profile: Profile, shared: RedisSettings): Fault[] {
  if (isLocal(profile)) return [];
  const faults: Fault[] = [];
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    faults.push({
      variable: 'NODE_TLS_REJECT_UNAUTHORIZED',
      rule: 'is 0, which switches the verification of every certificate off',
      remedy: 'Remove it and name your authority in …_TLS_CA_FILE',
    });
  }
  if (/(^|[\s,])(\*|ioredis)/.test(env.DEBUG ?? '')) {
    faults.push({
      variable: 'DEBUG',
      rule: 'makes the Redis client print every command, passwords included',
      remedy: 'Remove ioredis and * from it',
    });
  }
  if (shared.engine === 'embedded') {
    faults.push({
      variable: 'REDIS_ENGINE',
      rule: `is embedded, which ${profile} refuses: data would live and die with the process`,
      remedy: 'Remove it and name real servers',
    });
  }
  return faults;
}
