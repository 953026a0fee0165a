import { NestFactory } from '@nestjs/core';
import { type RateLimitDecision, RateLimitModule, RateLimiter } from '../../src/rate-limit/index.js';
import { RedisTestingModule } from '../../src/redis/index.js';
import { AMPLE, type Contestant, type Limiter, type Setting } from './contestant.js';

/** What this product decides with: the module as an application imports it, metrics on. */
export const OUR_CONTESTANTS = {
  'ours-1': { title: 'this product, 1 limit', open: (setting) => open(setting, 'one') },
  'ours-3': { title: 'this product, 3 limits, all or nothing', open: (setting) => open(setting, 'three') },
  'ours-window': {
    title: 'this product, 1 sliding-window limit',
    open: (setting) => open(setting, 'window'),
  },
} as const satisfies Record<string, Contestant>;

type Limit = Omit<Setting, 'url'>;

const rate = ({ quota, windowSeconds, burst = Math.min(quota, 1_000_000) }: Limit) =>
  ({ quota, windowMs: windowSeconds * 1000, burst }) as const;

const policies = (limit: Limit) =>
  ({
    one: { limits: [{ per: 'ip', ...rate(limit) }] },
    three: {
      limits: [
        { per: 'ip', ...rate(limit) },
        { per: 'user', ...rate(AMPLE) },
        { per: 'global', ...rate(AMPLE) },
      ],
    },
    window: {
      limits: [{ kind: 'window', per: 'ip', quota: limit.quota, windowMs: limit.windowSeconds * 1000 }],
    },
  }) as const;

async function open(setting: Setting, policy: 'one' | 'three' | 'window'): Promise<Limiter> {
  const features = [RateLimitModule.forRoot({ policies: policies(setting) })];
  const env = { RATE_LIMIT_REDIS_URL: setting.url };
  const house = await RedisTestingModule.forFeatures(features, { env });
  const app = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
  const limiter = app.get<RateLimiter<ReturnType<typeof policies>>>(RateLimiter, { strict: false });
  return {
    decide: (subject) => limiter.check(policy, subject),
    isAllowed: (answer) => (answer as RateLimitDecision).allowed,
    isDegraded: (answer) => (answer as RateLimitDecision).degraded,
    close: () => app.close(),
  };
}
