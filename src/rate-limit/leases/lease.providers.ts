import { Inject, Injectable, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { LimitEngine } from '../limit-engine.js';
import { PolicyBook } from '../policies/plan.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from '../rate-limit.options.js';
import { EngineNeighbours, PREFIX, RateLimitRedis, RateLimitWiring } from '../rate-limit.providers.js';
import { replacedRows } from '../replaced-rows.js';
import { type CompiledQuota, compileQuotas } from './compiled-quota.js';
import { LeaseMetrics } from './lease-metrics.js';
import { LeaseStore } from './lease-store.js';
import { Leases } from './leases.js';
import { checkQuotaRoutes } from './quota-routes.js';
import { STREAM_QUOTAS } from './stream-quotas.table.js';
import { StreamQuotas } from './stream-quotas.js';

type Quotas = ReadonlyMap<string, CompiledQuota>;

const QUOTAS = Symbol('rate-limit:stream-quotas');
/** A lease survives two renewals that fail. */
const RENEWALS_PER_LIFE = 3;

/** What is counted, and where that is said. */
@Injectable()
class QuotaCounting {
  constructor(
    @Inject(QUOTAS) readonly quotas: Quotas,
    readonly metrics: LeaseMetrics,
  ) {}
}

export const leaseProviders: Provider[] = [
  {
    provide: QUOTAS,
    useFactory: (
      { streamQuotas = {}, extractors }: RateLimitModuleOptions,
      book: PolicyBook,
      modules: ModulesContainer,
      { logger }: RateLimitWiring,
    ): Quotas => {
      for (const line of replacedRows('stream quota', STREAM_QUOTAS, streamQuotas)) logger.warn(line);
      const quotas = compileQuotas({ ...STREAM_QUOTAS, ...streamQuotas }, (name) => book.has(name));
      const sleeping = checkQuotaRoutes({ quotas, book, extractors, modules });
      for (const limit of sleeping) logger.warn(limit);
      return quotas;
    },
    inject: [RATE_LIMIT_OPTIONS, PolicyBook, ModulesContainer, RateLimitWiring],
  },
  {
    provide: LeaseMetrics,
    useFactory: ({ metrics }: RateLimitWiring, quotas: Quotas) => new LeaseMetrics(metrics, quotas.values()),
    inject: [RateLimitWiring, QUOTAS],
  },
  QuotaCounting,
  {
    provide: Leases,
    useFactory: createLeases,
    inject: [RateLimitWiring, RateLimitRedis, QuotaCounting, EngineNeighbours],
  },
  {
    provide: StreamQuotas,
    useFactory: (
      engine: LimitEngine,
      leases: Leases,
      { quotas, metrics }: QuotaCounting,
      { clock }: RateLimitWiring,
    ) =>
      new StreamQuotas({
        quotas,
        engine,
        leases,
        metrics,
        prefix: PREFIX,
        nowMs: () => clock.monotonicMs(),
      }),
    inject: [LimitEngine, Leases, QuotaCounting, RateLimitWiring],
  },
];

function createLeases(
  wiring: RateLimitWiring,
  { client }: RateLimitRedis,
  { quotas, metrics: counted }: QuotaCounting,
  { watch, outage }: EngineNeighbours,
): Leases {
  const { metrics, clock, inMemory } = wiring;
  const store =
    inMemory || !client
      ? undefined
      : new LeaseStore({
          client,
          onBroken: (count) => metrics.rateLimitBroken.inc(count),
          onExpired: (limit, count) => counted.expired(limit, count),
          onReadded: (limit, count) => counted.readded(limit, count),
        });
  const leases = new Leases({
    ...outage,
    store,
    clock,
    onRenewalFailed: (error) =>
      wiring.warnings.once('renewal', () =>
        wiring.logger.warn('Leases of open streams were not renewed', { error }),
      ),
    onChange: (quota, by) => counted.changed(quota, by),
    renewEveryMs: Math.min(...[...quotas.values()].map(({ leaseMs }) => leaseMs)) / RENEWALS_PER_LIFE,
  });
  watch.onReturn(() => leases.returned());
  return leases;
}
