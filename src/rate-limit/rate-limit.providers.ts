import { Inject, Injectable, Logger, Optional, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Settings, isLocal } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { InjectRedis, type PurposeRedis, RedisStatus } from '../redis/index.js';
import { CLOCK, LogSettings, Metrics, RepeatGuard } from '../telemetry/index.js';
import { canary } from './control/canary.js';
import { Fleet } from './control/fleet.js';
import { OutageLog } from './control/outage-log.js';
import { RulingSync } from './control/ruling-sync.js';
import { createEngine } from './create-engine.js';
import type { Engine } from './engine-assembly.js';
import { LimitEngine } from './limit-engine.js';
import type { OutageFacts } from './outage-facts.js';
import { assertOneRoot } from './one-root.js';
import { PolicyBook } from './policies/plan.js';
import { POLICIES } from './policies/policies.js';
import { PurposeWatch } from './purpose-watch.js';
import { RateLimitSettings } from './rate-limit.config.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from './rate-limit.options.js';
import { RateLimiter } from './rate-limiter.js';
import { replacedRows } from './replaced-rows.js';

export const PURPOSE = 'rateLimit';
/** One hash tag, so that a cluster keeps all states in one slot and any set of limits can be spent together. */
export const PREFIX = 'rl:{g}';

export const ENGINE = Symbol('rate-limit:engine');
const OUTAGE = Symbol('rate-limit:outage');

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

  /** Whether RATE_LIMIT_BACKEND has each instance count for itself. */
  get inMemory(): boolean {
    return this.own.backend === 'memory';
  }

  warnOnce(key: string, text: string): void {
    this.warnings.once(key, () => this.logger.warn(text));
  }
}

/** What stands beside the engine and has a say in it. */
@Injectable()
export class EngineNeighbours {
  constructor(
    readonly watch: PurposeWatch,
    readonly sync: RulingSync,
    @Inject(OUTAGE) readonly outage: OutageFacts,
  ) {}
}

export const rateLimitProviders: Provider[] = [
  RateLimitRedis,
  RateLimitWiring,
  EngineNeighbours,
  {
    provide: PolicyBook,
    useFactory: (
      { policies = {} }: RateLimitModuleOptions,
      { own, logger }: RateLimitWiring,
      modules: ModulesContainer,
    ) => {
      assertOneRoot(modules);
      for (const line of replacedRows('policy', POLICIES, policies)) logger.warn(line);
      return new PolicyBook({ ...POLICIES, ...policies }, own.shadowed);
    },
    inject: [RATE_LIMIT_OPTIONS, RateLimitWiring, ModulesContainer],
  },
  {
    provide: PurposeWatch,
    useFactory: ({ status, client }: RateLimitRedis) =>
      new PurposeWatch(client ? status : undefined, PURPOSE),
    inject: [RateLimitRedis],
  },
  { provide: OUTAGE, useFactory: outageFacts, inject: [RateLimitWiring, PurposeWatch, Fleet, OutageLog] },
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
  { watch, sync, outage }: EngineNeighbours,
): Engine {
  const { own, metrics, clock, inMemory } = wiring;
  if (inMemory) announceMemory(wiring);
  else if (!client) throw new Error('Redis is to count rate limits, but the purpose is not active');
  const made = createEngine({
    ...outage,
    book,
    client: inMemory ? undefined : client,
    prefix: PREFIX,
    secret: own.keySecret,
    metrics,
    clock,
    ruling: sync.rulings,
    inRedis: inMemory ? () => false : canary(own.canaryPercent),
    onVersion: sync.onVersion,
    onForgotten: (dimension, count) =>
      wiring.warnOnce(
        `forgotten ${dimension}`,
        `More subjects than are remembered count by ${dimension}: ${count} were forgotten`,
      ),
  });
  sync.onChange(() => made.decider.distrust());
  watch.onLoss(() => made.decider.left());
  watch.onReturn(() => made.decider.returned());
  return made;
}

/** For limits and streams alike. */
function outageFacts(
  { all, metrics, inMemory }: RateLimitWiring,
  { lost, closed }: PurposeWatch,
  { size: instances }: Fleet,
  log: OutageLog,
): OutageFacts {
  return {
    lost,
    closed,
    instances,
    // The part of the clients that a canary leaves to this process was chosen, wherever it runs.
    chosenIsDegraded: inMemory && !isLocal(all.profile),
    onSubstitute: (reason, error) => {
      metrics.redisFallback.inc({ purpose: PURPOSE, reason });
      log.substituted(reason, error);
    },
  };
}

function announceMemory({ logger, all }: RateLimitWiring): void {
  const text = 'RATE_LIMIT_BACKEND=memory, each instance counts rate limits for itself';
  if (all.profile === 'production') logger.error(`PRODUCTION DEGRADED: ${text}`);
  else logger.warn(text);
}
