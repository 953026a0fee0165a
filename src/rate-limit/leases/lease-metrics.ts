import type { CountSeries, Metrics } from '../../telemetry/index.js';
import { BACKENDS, type BackendName, type RateLimitState, STATES } from '../decision.js';
import type { CompiledQuota, ConcurrentLimit } from './compiled-quota.js';

interface Counted {
  readonly state: RateLimitState;
  readonly backend: BackendName;
}

/** What stream quotas count. All series are exposed as zero from the start. */
export class LeaseMetrics {
  constructor(
    private readonly metrics: Metrics,
    quotas: Iterable<CompiledQuota>,
  ) {
    for (const { name, limits } of quotas) {
      metrics.streamsOpen.set({ quota: name }, 0);
      for (const backend of BACKENDS) for (const state of STATES) this.opens(name, { state, backend });
      for (const limit of limits) {
        this.readded(limit, 0);
        this.expired(limit, 0);
      }
    }
  }

  decided(quota: string, decision: Counted): void {
    this.opens(quota, decision).inc();
  }

  changed(quota: string, by: 1 | -1): void {
    this.metrics.streamsOpen.inc({ quota }, by);
  }

  readded({ name: limit }: ConcurrentLimit, count: number): void {
    this.metrics.leasesReadded.inc({ limit }, count);
  }

  expired({ name: limit }: ConcurrentLimit, count: number): void {
    this.metrics.leasesExpired.inc({ limit }, count);
  }

  private opens(quota: string, { state, backend }: Counted): CountSeries {
    return this.metrics.streamOpens.child({ quota, state, backend });
  }
}
