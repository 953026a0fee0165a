import { Inject, Injectable, Logger, Optional, type Provider } from '@nestjs/common';
import { Settings } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { InjectRedis, type PurposeRedis, RedisStatus } from '../redis/index.js';
import { CLOCK, Metrics, RepeatGuard } from '../telemetry/index.js';
import { BackendSwitch } from './backend-switch.js';
import { MemoryBackend } from './memory-backend.js';
import type { RateLimitBackend } from './rate-limit.backend.js';
import { RateLimitSettings } from './rate-limit.config.js';
import { POLICIES } from './rate-limit.policies.js';
import { RateLimiter } from './rate-limiter.js';
import { RedisBackend } from './redis-backend.js';
import { SubjectKeys } from './subject-keys.js';

const PURPOSE = 'rateLimit';
const KEY_PREFIX = 'rl:g';
const WARN_EVERY_MS = 300_000;

/** About 20 MB at most: what an outage may cost a process, whatever the number of clients. */
const MAX_KEYS = 100_000;

const BACKEND = Symbol('rate-limit:backend');

/** What Redis offers here; no client with RATE_LIMIT_BACKEND=memory, where the purpose is not active. */
@Injectable()
export class RateLimitRedis {
  constructor(
    @Optional() @InjectRedis(PURPOSE) readonly client: PurposeRedis<typeof PURPOSE> | undefined,
    readonly status: RedisStatus,
  ) {}
}

/** What the backend and the limiter are put together from. */
@Injectable()
export class RateLimitWiring {
  readonly warnings: RepeatGuard;
  readonly logger = new Logger('RateLimit');

  constructor(
    readonly own: RateLimitSettings,
    readonly all: Settings,
    readonly metrics: Metrics,
    @Inject(CLOCK) readonly clock: Clock,
  ) {
    this.warnings = new RepeatGuard(clock, WARN_EVERY_MS);
  }
}

export const rateLimitProviders: Provider[] = [
  RateLimitRedis,
  RateLimitWiring,
  { provide: BACKEND, useFactory: createBackend, inject: [RateLimitWiring, RateLimitRedis] },
  {
    provide: RateLimiter,
    useFactory: (wiring: RateLimitWiring, backend: RateLimitBackend) =>
      new RateLimiter({
        policies: POLICIES,
        backend,
        keys: new SubjectKeys(KEY_PREFIX, wiring.own.keySecret),
        metrics: wiring.metrics,
        clock: wiring.clock,
      }),
    inject: [RateLimitWiring, BACKEND],
  },
];

function createBackend(wiring: RateLimitWiring, { client, status }: RateLimitRedis): RateLimitBackend {
  const { own, all, metrics, warnings } = wiring;
  if (own.backend === 'memory') {
    const production = all.profile === 'production';
    announceMemory(wiring, production);
    return createMemory(wiring, production || all.profile === 'staging');
  }
  if (!client) throw new Error('Redis is to count rate limits, but the purpose is not active');
  const [redis, memory] = [new RedisBackend(client), createMemory(wiring, true)];
  return new BackendSwitch({ redis, memory, status, purpose: PURPOSE, metrics, warnings });
}

function createMemory({ clock, warnings, logger }: RateLimitWiring, degraded: boolean): MemoryBackend {
  const onEvicted = (keys: number): void =>
    warnings.once('evicted', () =>
      logger.warn(
        `More than ${MAX_KEYS} clients are counted in memory: ${keys} little used ones were forgotten`,
      ),
    );
  return new MemoryBackend({ clock, maxKeys: MAX_KEYS, degraded, onEvicted });
}

function announceMemory({ logger }: RateLimitWiring, production: boolean): void {
  const text = 'RATE_LIMIT_BACKEND=memory, each instance counts rate limits for itself';
  if (production) logger.error(`PRODUCTION DEGRADED: ${text}`);
  else logger.warn(text);
}
