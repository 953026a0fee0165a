import type { CommandName } from './commands.js';

/**
 * The purpose matrix. A purpose is a row, not a code path: variables, namespace, ACL rule, outage policy,
 * readiness, lanes, time budgets, metric labels and documentation are all read from here. Adding one is
 * adding a row, or passing it to `RedisModule.forRoot({ purposes })` from outside.
 */

/** A connection of its own within a purpose, so that one kind of use cannot delay another. */
export type Lane = 'command' | 'blocking' | 'bulk';

export interface LaneBudget {
  /** A call is answered or failed within this, milliseconds. On the blocking lane: the longest BLOCK. */
  readonly commandMs: number;
  /** A connection whose oldest call has been silent for this long is dropped. On the blocking lane: beyond BLOCK. */
  readonly silenceMs: number;
}

export interface PurposeDefinition {
  /** Stem of the variables: `RATE_LIMIT_REDIS` gives `RATE_LIMIT_REDIS_URL`, `…_PASSWORD_FILE` and so on. */
  readonly env: string;
  /** First part of every key, without the colon. */
  readonly namespace: string;
  /** `degrade`: a labelled in-process substitute; `closed`: 503, never a substitute. */
  readonly outage: 'degrade' | 'closed';
  /** Keys hold personal data or secrets: an ACL user other than `default` is enforced outside local profiles. */
  readonly aclUser: 'required' | 'advised';
  /** `noeviction`: what happens when the server evicts. `require` refuses outside local profiles. */
  readonly eviction: 'require' | 'advise';
  /** Append-only file. `require` refuses outside local profiles when the server says it is off. */
  readonly persistence: 'require' | 'none';
  /** Where servers fail over: `require` counts a write only when a replica has it. */
  readonly replication: 'require' | 'none';
  /** TCP and TLS within this, and then the greeting within this again, milliseconds. */
  readonly connectMs: number;
  readonly lanes: Readonly<Partial<Record<Lane, LaneBudget>>>;
  readonly commands: readonly CommandName[];
}

export const PURPOSES = {
  rateLimit: {
    env: 'RATE_LIMIT_REDIS',
    namespace: 'rl',
    outage: 'degrade',
    aclUser: 'advised',
    eviction: 'advise',
    persistence: 'none',
    replication: 'none',
    connectMs: 500,
    lanes: { command: { commandMs: 50, silenceMs: 300 } },
    commands: [
      ...(['get', 'set', 'del', 'unlink', 'pexpire', 'pttl', 'incrby', 'time'] as const),
      ...(['hget', 'hgetall', 'hlen', 'hset', 'hmget', 'hdel', 'hincrby'] as const),
      ...(['zadd', 'zrem', 'zcard', 'zscore', 'zrange', 'zremrangebyscore'] as const),
      ...(['eval', 'evalsha', 'script'] as const),
    ],
  },
  authCache: {
    env: 'AUTH_CACHE_REDIS',
    namespace: 'auth',
    outage: 'closed',
    aclUser: 'required',
    eviction: 'advise',
    persistence: 'none',
    replication: 'none',
    connectMs: 1000,
    lanes: { command: { commandMs: 250, silenceMs: 750 } },
    commands: [
      ...([
        'get',
        'set',
        'getex',
        'mget',
        'del',
        'unlink',
        'exists',
        'incr',
        'expire',
        'pexpire',
        'ttl',
        'pttl',
      ] as const),
      ...([
        'hget',
        'hset',
        'hmget',
        'hgetall',
        'hdel',
        'hincrby',
        'sadd',
        'srem',
        'smembers',
        'sismember',
      ] as const),
      ...([
        'lpush',
        'ltrim',
        'lrange',
        'zadd',
        'zrem',
        'zcard',
        'zscore',
        'zrange',
        'zremrangebyscore',
      ] as const),
      ...(['time', 'eval', 'evalsha', 'script'] as const),
    ],
  },
  securityTokens: {
    env: 'SECURITY_TOKEN_REDIS',
    namespace: 'st',
    outage: 'closed',
    aclUser: 'advised',
    eviction: 'require',
    persistence: 'none',
    replication: 'require',
    connectMs: 1000,
    lanes: { command: { commandMs: 250, silenceMs: 750 } },
    commands: [
      ...(['get', 'set', 'getdel', 'del', 'unlink', 'pexpire', 'pttl', 'exists', 'time'] as const),
      ...(['hget', 'hset', 'hmget', 'hgetall', 'hdel', 'zadd', 'zrem', 'zscore', 'zrange'] as const),
      ...(['eval', 'evalsha', 'script'] as const),
    ],
  },
  billingEvents: {
    env: 'BILLING_EVENTS_REDIS',
    namespace: 'billing',
    outage: 'closed',
    aclUser: 'advised',
    eviction: 'require',
    persistence: 'require',
    replication: 'require',
    connectMs: 1000,
    lanes: {
      command: { commandMs: 400, silenceMs: 1200 },
      blocking: { commandMs: 5000, silenceMs: 2500 },
      bulk: { commandMs: 2500, silenceMs: 2500 },
    },
    commands: [
      ...([
        'get',
        'set',
        'del',
        'unlink',
        'expire',
        'pexpire',
        'persist',
        'pttl',
        'exists',
        'rename',
        'time',
        'hget',
        'hset',
        'hmget',
        'hincrby',
      ] as const),
      ...([
        'xadd',
        'xlen',
        'xdel',
        'xtrim',
        'xrange',
        'xrevrange',
        'xread',
        'xreadgroup',
        'xack',
        'xclaim',
      ] as const),
      ...([
        'xautoclaim',
        'xpending',
        'xgroup',
        'xinfo',
        'zadd',
        'zrem',
        'zcard',
        'zrange',
        'zremrangebyscore',
      ] as const),
      ...(['eval', 'evalsha', 'script'] as const),
    ],
  },
} as const satisfies Record<string, PurposeDefinition>;

type BuiltInPurposes = typeof PURPOSES;

/** The purposes of the table itself, without those that teams add. */
export type BuiltInPurpose = keyof BuiltInPurposes;

/**
 * The purposes that the compiler knows. A feature team adds its own by augmenting this interface beside
 * the row that it passes to `RedisModule.forRoot({ purposes })`; a misspelt name does not compile.
 */
export interface RedisPurposeMap extends BuiltInPurposes {}

export type Purpose = keyof RedisPurposeMap & string;

export type LaneOf<P extends Purpose> = keyof RedisPurposeMap[P]['lanes'] & Lane;
