import type { Redis } from 'ioredis';
import { compileQuotas, type CompiledQuota } from '../../src/rate-limit/leases/compiled-quota.js';
import type { Lease } from '../../src/rate-limit/leases/lease.js';
import { LeaseStore } from '../../src/rate-limit/leases/lease-store.js';
import { RedisCommandError, type ScriptClient } from '../../src/redis/index.js';

export const LIFE_MS = 2000;

export const quota = (concurrent: { tenant?: number; user?: number }, leaseMs = LIFE_MS): CompiledQuota =>
  compileQuotas(
    {
      chat: {
        concurrent: (['tenant', 'user'] as const).flatMap((per) =>
          concurrent[per] === undefined ? [] : [{ per, streams: concurrent[per] }],
        ),
        leaseMs,
      },
    },
    () => true,
  ).get('chat') as CompiledQuota;

/** A bare client with the errors of a purpose client, by which a script knows that the server forgot it. */
function scriptClient(redis: Redis, called: () => void): ScriptClient {
  const ours = (error: Error): never => {
    throw new RedisCommandError('rateLimit', 'evalsha', error.message.split(' ')[0] ?? '', error.message);
  };
  return {
    evalsha: (sha, count, ...args) => {
      called();
      return redis.evalsha(sha, count, ...args).catch(ours);
    },
    eval: (text, count, ...args) => redis.eval(text, count, ...args).catch(ours),
    callBuffer: (command, ...args) => redis.callBuffer(command, ...args).catch(ours),
  };
}

/** The store on a bare client, and what it has reported. */
export class StoreRig {
  broken = 0;
  expired = 0;
  readded = 0;
  /** Calls of scripts by their digest. */
  calls = 0;
  readonly store: LeaseStore;
  private issued = 0;

  constructor(readonly redis: Redis) {
    this.store = new LeaseStore({
      client: scriptClient(redis, () => (this.calls += 1)),
      onBroken: (count) => (this.broken += count),
      onExpired: (_limit, count) => (this.expired += count),
      onReadded: (_limit, count) => (this.readded += count),
    });
  }

  lease(of: CompiledQuota, subjects: { tenant?: string; user?: string }): Lease {
    const seats = of.limits.flatMap((limit) => {
      const subject = subjects[limit.per as 'tenant' | 'user'];
      return subject === undefined ? [] : [{ limit, key: `rl:{g}:c:${limit.tag}${subject}` }];
    });
    return { id: `lease-${(this.issued += 1)}`, quota: of, seats, shared: true, renewedAtMs: 0 };
  }

  /** Opens a stream. @returns its lease where it was admitted */
  async open(of: CompiledQuota, subjects: { tenant?: string; user?: string }): Promise<Lease | undefined> {
    const lease = this.lease(of, subjects);
    return (await this.store.acquire(lease)).admitted ? lease : undefined;
  }

  /** Every key of leases, with its members and its TTL in milliseconds. */
  async keys(): Promise<{ members: string[]; ttlMs: number }[]> {
    const keys = (await this.redis.keys('rl:{g}:c:*')).sort();
    return Promise.all(
      keys.map(async (key) => ({
        members: await this.redis.zrange(key, '0', '-1'),
        ttlMs: await this.redis.pttl(key),
      })),
    );
  }
}
