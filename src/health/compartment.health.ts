import { Injectable } from '@nestjs/common';
import type { HealthIndicatorFunction } from '@nestjs/terminus';
import type { StoreFacts } from '../rate-limit/index.js';
import { type CompartmentReport, RedisHealth } from './redis.health.js';
import { SqlHealth } from './sql.health.js';

/** Every compartment as readiness shows it: those on Redis, then SQL. */
@Injectable()
export class CompartmentHealth {
  /** For Terminus. */
  readonly checks: HealthIndicatorFunction[] = [() => this.redis.check(), () => this.sql.check()];

  constructor(
    private readonly redis: RedisHealth,
    private readonly sql: SqlHealth,
  ) {}

  /** What counts rate limits, on Redis or by itself; for operators. */
  counting(): StoreFacts {
    return this.redis.counting();
  }

  reports(detailed: boolean): Record<string, CompartmentReport> {
    return { ...this.redis.reports(detailed), ...this.sql.reports(detailed) };
  }

  /** Undefined for a name that no active compartment has. */
  report(purpose: string, detailed: boolean): CompartmentReport | undefined {
    return this.redis.report(purpose, detailed) ?? this.sql.report(purpose, detailed);
  }
}
