import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { type DatabaseSnapshot, DatabaseStatus, SQL_PURPOSE } from '../database/index.js';
import type { CompartmentReport } from './redis.health.js';

/** SQL as readiness shows it: one more compartment, where any module uses it. Asks SQL nothing. */
@Injectable()
export class SqlHealth {
  constructor(
    private readonly status: DatabaseStatus,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /** For Terminus: it only counts as down where the application is not ready without it. */
  check(): HealthIndicatorResult {
    if (!this.status.active) return {} as HealthIndicatorResult;
    const indicator = this.indicators.check(SQL_PURPOSE);
    if (this.status.snapshot().available) return indicator.up();
    return this.status.required ? indicator.down() : indicator.degraded();
  }

  reports(detailed: boolean): Record<string, CompartmentReport> {
    const report = this.report(SQL_PURPOSE, detailed);
    return report ? { [SQL_PURPOSE]: report } : {};
  }

  /** Undefined for every name but its own, and where no module uses SQL. */
  report(purpose: string, detailed: boolean): CompartmentReport | undefined {
    if (purpose !== SQL_PURPOSE || !this.status.active) return undefined;
    const row = this.status.snapshot();
    return {
      status: row.available ? 'up' : 'down',
      ...(row.reason === undefined ? {} : { reason: row.reason }),
      ...(detailed ? detailsOf(row) : {}),
    };
  }
}

/** Addresses and engines describe the inside of the system, so they are for operators. */
function detailsOf({ sinceMs, latencyMs, engine, address, state }: DatabaseSnapshot) {
  return {
    since: new Date(sinceMs).toISOString(),
    ...(latencyMs === undefined ? {} : { latency_ms: Math.round(latencyMs * 100) / 100 }),
    engine,
    address,
    ...(state === 'opening' ? { opening: true } : {}),
  };
}
