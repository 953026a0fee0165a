import RedisStore, { type Count } from '@fastify/rate-limit/store/RedisStore.js';
import { ThrottlerStorageRedisService, type ThrottlerRecord } from '@nest-lab/throttler-storage-redis';
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { AMPLE, type Contestant, type Limiter, type Setting } from './contestant.js';

/** The packages that others use, as libraries and with auto-pipelining on, which they gain or lose little by. */
export const PEER_CONTESTANTS = {
  'flexible-1': { title: 'rate-limiter-flexible, 1 limit', open: (setting) => flexible(setting, {}) },
  'flexible-1-block': {
    title: 'rate-limiter-flexible, 1 limit, inMemoryBlock',
    open: (setting) => flexible(setting, { inMemoryBlockOnConsumed: setting.quota }),
  },
  'flexible-3': { title: 'rate-limiter-flexible, 3 limits in parallel', open: flexibleThree },
  'throttler-1': { title: 'throttler storage (nest-lab), 1 limit', open: throttler },
  'throttler-3': { title: 'throttler storage (nest-lab), 3 in turn', open: throttlerThree },
  'fastify-1': { title: '@fastify/rate-limit store, 1 limit', open: fastifyStore },
} as const satisfies Record<string, Contestant>;

function connect({ url }: Setting): Redis {
  return new Redis(url, { enableAutoPipelining: true });
}

/** A denial is a rejection there. */
function denialAsValue(reason: unknown): RateLimiterRes | undefined {
  if (reason instanceof RateLimiterRes) return undefined;
  throw reason;
}

async function flexible(
  setting: Setting,
  options: { readonly inMemoryBlockOnConsumed?: number },
): Promise<Limiter> {
  const redis = connect(setting);
  const { quota: points, windowSeconds: duration } = setting;
  const limiter = new RateLimiterRedis({ storeClient: redis, points, duration, ...options });
  return {
    decide: ({ ip }) => limiter.consume(ip).catch(denialAsValue),
    isAllowed: (answer) => answer !== undefined,
    close: () => redis.disconnect(),
  };
}

/** Its RateLimiterUnion does the same, but has one key for all; each limit counts even when another denies. */
async function flexibleThree(setting: Setting): Promise<Limiter> {
  const redis = connect(setting);
  const limiter = (keyPrefix: string, { quota: points, windowSeconds: duration }: Omit<Setting, 'url'>) =>
    new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration });
  const [perIp, perUser, global] = [limiter('ip', setting), limiter('user', AMPLE), limiter('all', AMPLE)];
  return {
    decide: ({ ip, user }) =>
      Promise.all([
        perIp.consume(ip).catch(denialAsValue),
        perUser.consume(user).catch(denialAsValue),
        global.consume('all').catch(denialAsValue),
      ]),
    isAllowed: (answer) => (answer as unknown[]).every((one) => one !== undefined),
    close: () => redis.disconnect(),
  };
}

async function throttler(setting: Setting): Promise<Limiter> {
  const redis = connect(setting);
  const storage = new ThrottlerStorageRedisService(redis);
  const ms = setting.windowSeconds * 1000;
  return {
    decide: ({ ip }) => storage.increment(ip, ms, setting.quota, ms, 'ip'),
    isAllowed: (answer) => !(answer as ThrottlerRecord).isBlocked,
    close: () => redis.disconnect(),
  };
}

/** One after the other until one denies, as its guard does it. */
async function throttlerThree(setting: Setting): Promise<Limiter> {
  const redis = connect(setting);
  const storage = new ThrottlerStorageRedisService(redis);
  const [ms, ampleMs] = [setting.windowSeconds * 1000, AMPLE.windowSeconds * 1000];
  return {
    decide: async ({ ip, user }) => {
      if ((await storage.increment(ip, ms, setting.quota, ms, 'ip')).isBlocked) return false;
      if ((await storage.increment(user, ampleMs, AMPLE.quota, ampleMs, 'user')).isBlocked) return false;
      return !(await storage.increment('all', ampleMs, AMPLE.quota, ampleMs, 'all')).isBlocked;
    },
    isAllowed: (answer) => answer === true,
    close: () => redis.disconnect(),
  };
}

/** The store behind the plugin, driven as the plugin drives it; the rest of the plugin needs a request. */
async function fastifyStore(setting: Setting): Promise<Limiter> {
  const redis = connect(setting);
  const store = new RedisStore(false, false, redis);
  const { quota, windowSeconds } = setting;
  return {
    decide: ({ ip }) =>
      new Promise<Count | null>((resolve, reject) => {
        store.incr(
          ip,
          (error, count) => (error ? reject(error) : resolve(count)),
          windowSeconds * 1000,
          quota,
        );
      }),
    isAllowed: (answer) => (answer as Count).current <= quota,
    close: () => redis.disconnect(),
  };
}
