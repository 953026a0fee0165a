import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Settings } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { type PurposeStatus, RedisStatus, UNAVAILABLE_REASONS } from '../redis/index.js';
import { CLOCK, Metrics } from '../telemetry/index.js';

/** Writes the state of the compartments into gauges, at each scrape and not in between. */
@Injectable()
export class RedisGauges implements OnModuleInit {
  constructor(
    private readonly status: RedisStatus,
    private readonly metrics: Metrics,
    private readonly settings: Settings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `increase()` misses the first event of a series that did not exist before it. */
  onModuleInit(): void {
    for (const { purpose, outage } of this.status.all()) {
      if (outage !== 'degrade') continue;
      for (const reason of UNAVAILABLE_REASONS) this.metrics.redisFallback.inc({ purpose, reason }, 0);
    }
  }

  refresh(): void {
    for (const row of this.status.all()) this.write(row);
  }

  private write(row: PurposeStatus): void {
    const { metrics } = this;
    const { purpose, engine: mode } = row;
    metrics.redisUp.set({ purpose }, row.state === 'up' ? 1 : 0);
    metrics.redisMode.set({ purpose, mode, profile: this.settings.profile }, 1);
    metrics.redisSharedTarget.set({ purpose }, row.sharedWith.length > 0 ? 1 : 0);
    if (row.probedAtMs !== undefined) {
      metrics.redisProbeAge.set({ purpose }, Math.max(0, this.clock.nowMs() - row.probedAtMs) / 1000);
    }
    for (const { lane: context, connected, inFlight } of row.lanes) {
      metrics.redisLanes.set({ purpose, context }, connected ? 1 : 0);
      metrics.redisInFlight.set({ purpose, context }, inFlight);
    }
  }
}
