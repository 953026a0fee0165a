import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { RateLimitStore, type StoreFacts } from '../rate-limit/index.js';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';
import { CompartmentNotes } from '../telemetry/index.js';

/** A compartment as a readiness answer shows it. */
export interface CompartmentReport {
  readonly status: PurposeStatus['state'];
  readonly reason?: string;
  readonly since?: string;
  readonly latency_ms?: number;
  readonly isolation?: string;
  readonly engine?: string;
  readonly address?: string;
}

/** Reads what the write probes found last. It asks no Redis anything, so it answers at once in every outage. */
@Injectable()
export class RedisHealth {
  constructor(
    private readonly status: RedisStatus,
    private readonly indicators: HealthIndicatorService,
    private readonly rateLimit: RateLimitStore,
    private readonly notes: CompartmentNotes,
  ) {}

  /** For Terminus: a lost compartment only counts as down where the readiness rule says so. */
  check(): HealthIndicatorResult {
    const ready = this.status.ready();
    const results = this.status.all().map(({ purpose, state }) => {
      const indicator = this.indicators.check(purpose);
      if (state === 'up') return this.notes.of(purpose) ? indicator.degraded() : indicator.up();
      return ready ? indicator.degraded() : indicator.down();
    });
    return Object.assign({}, ...results) as HealthIndicatorResult;
  }

  /** What counts rate limits, on Redis or by itself; for operators. */
  counting(): StoreFacts {
    return this.rateLimit.facts();
  }

  reports(detailed: boolean): Record<string, CompartmentReport> {
    return Object.fromEntries(this.status.all().map((row) => [row.purpose, this.reportOf(row, detailed)]));
  }

  /** Undefined for a purpose that is not active. */
  report(purpose: string, detailed: boolean): CompartmentReport | undefined {
    const row = this.status.all().find((status) => status.purpose === purpose);
    return row && this.reportOf(row, detailed);
  }

  /** What a feature knows of a compartment that answers is a degradation, never a failure: other replicas know the same. */
  private reportOf(row: PurposeStatus, detailed: boolean): CompartmentReport {
    const note = row.state === 'up' ? this.notes.of(row.purpose) : undefined;
    return note === undefined
      ? reportOf(row, detailed)
      : { ...reportOf(row, detailed), status: 'degraded', reason: note };
  }
}

/** Addresses and engines describe the inside of the system, so they are for operators. */
function reportOf(row: PurposeStatus, detailed: boolean): CompartmentReport {
  return {
    status: row.state,
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    ...(detailed ? detailsOf(row) : {}),
  };
}

function detailsOf({ sinceMs, latencyMs, isolation, engine, address }: PurposeStatus) {
  return {
    since: new Date(sinceMs).toISOString(),
    ...(latencyMs === undefined ? {} : { latency_ms: Math.round(latencyMs * 100) / 100 }),
    isolation,
    engine,
    address,
  };
}
