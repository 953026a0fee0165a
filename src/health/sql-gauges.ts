import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseStatus, SQL_UNAVAILABLE_REASONS } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK, Metrics } from '../telemetry/index.js';

/** Writes the state of SQL into gauges, at each scrape and not in between. */
@Injectable()
export class SqlGauges implements OnModuleInit {
  constructor(
    private readonly status: DatabaseStatus,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `increase()` misses the first event of a series that did not exist before it. */
  onModuleInit(): void {
    if (!this.status.active) return;
    for (const { feature } of this.status.snapshot().features) {
      for (const reason of SQL_UNAVAILABLE_REASONS) this.metrics.sqlUnavailable.inc({ feature, reason }, 0);
    }
  }

  refresh(): void {
    if (!this.status.active) return;
    const { metrics } = this;
    const { engine: mode, available, connections, features, probedAtMs } = this.status.snapshot();
    metrics.sqlUp.set({ mode }, available ? 1 : 0);
    metrics.sqlConnections.set(connections.open);
    for (const { feature, inUse, waiting } of features) {
      metrics.sqlInUse.set({ feature }, inUse);
      metrics.sqlWaiting.set({ feature }, waiting);
    }
    if (probedAtMs !== undefined) {
      metrics.sqlProbeAge.set(Math.max(0, this.clock.nowMs() - probedAtMs) / 1000);
    }
  }
}
