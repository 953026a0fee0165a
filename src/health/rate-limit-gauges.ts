import { Injectable } from '@nestjs/common';
import { RateLimitStore } from '../rate-limit/index.js';
import { Metrics } from '../telemetry/index.js';

/** Writes what is known about the counting of limits into gauges, at each scrape and not in between. */
@Injectable()
export class RateLimitGauges {
  constructor(
    private readonly store: RateLimitStore,
    private readonly metrics: Metrics,
  ) {}

  refresh(): void {
    const { backend, instances, blocked, overrides, subjects } = this.store.facts();
    for (const one of ['redis', 'memory'] as const) {
      this.metrics.rateLimitBackend.set({ backend: one }, one === backend ? 1 : 0);
    }
    this.metrics.rateLimitInstances.set(instances.count);
    this.metrics.rateLimitBlocked.set(blocked);
    this.metrics.rateLimitOverrides.set(overrides);
    this.metrics.rateLimitSubjects.set(subjects);
  }
}
