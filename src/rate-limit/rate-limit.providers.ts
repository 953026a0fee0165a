import { Inject, Injectable, Logger, Optional, type Provider } from '@nestjs/common';
import { Settings } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { InjectRedis, type PurposeRedis, RedisStatus } from '../redis/index.js';
import { CLOCK, LogSettings, Metrics, RepeatGuard } from '../telemetry/index.js';
import { canary } from './control/canary.js';
import { Fleet } from './control/fleet.js';
import { OutageLog } from './control/outage-log.js';
import { RulingSync } from './control/ruling-sync.js';
import { type Engine, createEngine } from './create-engine.js';
import { LimitEngine } from './limit-engine.js';
import { PolicyBook } from './policies/plan.js';
import { POLICIES } from './policies/policies.js';
import { PurposeWatch } from './purpose-watch.js';
import { RateLimitSettings } from './rate-limit.config.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from './rate-limit.options.js';
import { RateLimiter } from './rate-limiter.js';

export const PURPOSE = 'rateLimit';
/** One hash tag, so that a cluster keeps all states in one slot and any set of limits can be spent together. */
export const PREFIX = 'rl:{g}';

export const ENGINE = Symbol('rate-limit:engine');

/** What Redis offers here; no client with RATE_LIMIT_BACKEND=memory, where the purpose is not active. */
@Injectable()
export class RateLimitRedis {
  constructor(
    @Optional() @InjectRedis(PURPOSE) readonly client: PurposeRedis<typeof PURPOSE> | undefined,
    readonly status: RedisStatus,
  ) {}
}

/** What the engine is put together from. */
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
    this.warnings = new RepeatGuard(clock, all.of(LogSettings).warnIntervalMs);
  }

  warnOnce(key: string, text: string): void {
    this.warnings.once(key, () => this.logger.warn(text));
  }
}

/** What stands beside the engine and has a say in it. */
@Injectable()
export class EngineNeighbours {
  constructor(
    @Optional() @Inject(PurposeWatch) readonly watch: PurposeWatch | undefined,
    readonly sync: RulingSync,
    readonly fleet: Fleet,
    readonly outages: OutageLog,
  ) {}
}

export const rateLimitProviders: Provider[] = [
  RateLimitRedis,
  RateLimitWiring,
  EngineNeighbours,
  {
    provide: PolicyBook,
    useFactory: (options: RateLimitModuleOptions, { own }: RateLimitWiring) =>
      new PolicyBook({ ...POLICIES, ...options.policies }, own.shadowed),
    inject: [RATE_LIMIT_OPTIONS, RateLimitWiring],
  },
  {
    provide: PurposeWatch,
    useFactory: ({ status, client }: RateLimitRedis) =>
      client ? new PurposeWatch(status, PURPOSE) : undefined,
    inject: [RateLimitRedis],
  },
  {
    provide: ENGINE,
    useFactory: createModuleEngine,
    inject: [RateLimitWiring, RateLimitRedis, PolicyBook, EngineNeighbours],
  },
  { provide: LimitEngine, useFactory: ({ engine }: Engine) => engine, inject: [ENGINE] },
  {
    provide: RateLimiter,
    useFactory: (engine: LimitEngine) => new RateLimiter(engine),
    inject: [LimitEngine],
  },
];

function createModuleEngine(
  wiring: RateLimitWiring,
  { client }: RateLimitRedis,
  book: PolicyBook,
  { watch, sync, fleet, outages }: EngineNeighbours,
): Engine {
  const { own, all, metrics, clock } = wiring;
  const production = all.profile === 'production';
  const inMemory = own.backend === 'memory';
  if (inMemory) announceMemory(wiring, production);
  else if (!client) throw new Error('Redis is to count rate limits, but the purpose is not active');
  const made = createEngine({
    book,
    client: inMemory ? undefined : client,
    prefix: PREFIX,
    secret: own.keySecret,
    metrics,
    clock,
    ruling: sync.rulings,
    inRedis: inMemory ? () => false : canary(own.canaryPercent),
    onVersion: sync.onVersion,
    lost: () => watch?.lost(),
    closed: () => watch?.closed() ?? false,
    instances: fleet.size,
    // The part of the clients that a canary leaves to this process was chosen, in production as well.
    chosenIsDegraded: inMemory && (production || all.profile === 'staging'),
    onSubstitute: (reason, error) => {
      metrics.redisFallback.inc({ purpose: PURPOSE, reason });
      outages.substituted(reason, error);
    },
    onForgotten: (dimension, count) =>
      wiring.warnOnce(
        `forgotten ${dimension}`,
        `More subjects than are remembered count by ${dimension}: ${count} were forgotten`,
      ),
  });
  sync.onChange(() => made.decider.distrust());
  watch?.onLoss(() => made.decider.left());
  watch?.onReturn(() => made.decider.returned());
  return made;
}

function announceMemory({ logger }: RateLimitWiring, production: boolean): void {
  const text = 'RATE_LIMIT_BACKEND=memory, each instance counts rate limits for itself';
  if (production) logger.error(`PRODUCTION DEGRADED: ${text}`);
  else logger.warn(text);
}
