import { Inject, Injectable, type Provider } from '@nestjs/common';
import { LimitEngine } from '../limit-engine.js';
import { EngineNeighbours, PREFIX, RateLimitRedis, RateLimitWiring } from '../rate-limit.providers.js';
import type { Quotas } from './compiled-quota.js';
import { LeaseMetrics } from './lease-metrics.js';
import { LeaseStore } from './lease-store.js';
import { Leases } from './leases.js';
import { QUOTAS, quotaProvider } from './quota.providers.js';
import { StreamQuotas } from './stream-quotas.js';

/** A lease survives two renewals that fail. */
const RENEWALS_PER_LIFE = 3;

/** What is counted, and where that is said. */
@Injectable()
class QuotaCounting {
  constructor(
    @Inject(QUOTAS) readonly quotas: Quotas,
    readonly metrics: LeaseMetrics,
    readonly wiring: RateLimitWiring,
  ) {}
}

export const leaseProviders: Provider[] = [
  quotaProvider,
  {
    provide: LeaseMetrics,
    useFactory: ({ metrics }: RateLimitWiring, quotas: Quotas) => new LeaseMetrics(metrics, quotas.values()),
    inject: [RateLimitWiring, QUOTAS],
  },
  QuotaCounting,
  {
    provide: Leases,
    useFactory: createLeases,
    inject: [RateLimitRedis, QuotaCounting, EngineNeighbours],
  },
  {
    provide: StreamQuotas,
    useFactory: (
      engine: LimitEngine,
      leases: Leases,
      { quotas, metrics, wiring: { clock } }: QuotaCounting,
      { sync }: EngineNeighbours,
    ) =>
      new StreamQuotas({
        quotas,
        engine,
        leases,
        metrics,
        ruling: sync.rulings,
        prefix: PREFIX,
        nowMs: () => clock.monotonicMs(),
      }),
    inject: [LimitEngine, Leases, QuotaCounting, EngineNeighbours],
  },
];

function createLeases(
  { client }: RateLimitRedis,
  { quotas, metrics: counted, wiring }: QuotaCounting,
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
