import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, type Environment } from '../../../src/config/index.js';
import { RateLimitModule, RateLimiter } from '../../../src/rate-limit/index.js';
import { RedisModule, RedisStatus } from '../../../src/redis/index.js';
import { Metrics, TelemetryModule } from '../../../src/telemetry/index.js';
import { OUTAGE_POLICIES } from './limiter-policies.js';
import { CANARY, type Site, closeSite, openSite } from './site.js';

@Module({})
class Root {}

export type OutageLimiter = RateLimiter<typeof OUTAGE_POLICIES>;

/** One instance: the rate-limit module on a compartment of its own. */
export interface Instance {
  readonly limiter: OutageLimiter;
  readonly status: RedisStatus;
  /** Decisions so far that had to be made without Redis, as the metric has them. */
  fallbacks(): Promise<number>;
  close(): Promise<void>;
}

export interface LimiterRig {
  readonly site: Site;
  /** @param env beside the address of the server */
  openInstance(env?: Environment): Promise<Instance>;
  /** Closes the instances, too. */
  close(): Promise<void>;
}

/** One server behind a network that can be broken, with the least-privilege user that production has. */
export async function openLimiterRig(): Promise<LimiterRig> {
  const site = await openSite({ purpose: 'rateLimit', user: 'rl-app' });
  const instances: Instance[] = [];
  return {
    site,
    openInstance: async (env = {}) => {
      const instance = await boot({ ...addressOf(site), ...env });
      instances.push(instance);
      return instance;
    },
    close: async () => {
      await Promise.all(instances.map((instance) => instance.close()));
      await closeSite(site);
    },
  };
}

/** Variables of the purpose, and the profile. */
export function addressOf({ proxy, user }: Site): Record<string, string> {
  return {
    APP_PROFILE: 'test',
    RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    RATE_LIMIT_REDIS_USERNAME: user,
    RATE_LIMIT_REDIS_PASSWORD: CANARY,
  };
}

async function boot(env: Environment): Promise<Instance> {
  const imports: NonNullable<DynamicModule['imports']> = [
    TelemetryModule,
    RedisModule.forRoot(),
    RateLimitModule.forRoot({ policies: OUTAGE_POLICIES }),
  ];
  const root: DynamicModule = { module: Root, imports };
  imports.push(await ConfigModule.forRoot(root, env));
  const app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
  const { redisFallback } = app.get(Metrics, { strict: false });
  return {
    limiter: app.get<OutageLimiter>(RateLimiter, { strict: false }),
    status: app.get(RedisStatus, { strict: false }),
    fallbacks: async () => (await redisFallback.get()).values.reduce((sum, { value }) => sum + value, 0),
    close: () => app.close(),
  };
}
