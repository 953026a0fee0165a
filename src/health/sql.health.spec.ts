import { HealthIndicatorService } from '@nestjs/terminus';
import { Logger } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Settings } from '../config/index.js';
import { type DatabaseSnapshot, DatabaseStatus } from '../database/index.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { RedisStatus } from '../redis/index.js';
import { LogSettings, Metrics } from '../telemetry/index.js';
import { IsolationController } from './isolation.controller.js';
import { SqlGauges } from './sql-gauges.js';
import { SqlHealth } from './sql.health.js';
import { SqlStatusLog } from './sql-status-log.js';

const clock = new ManualClock();
const UP: DatabaseSnapshot = {
  engine: 'postgres',
  state: 'up',
  available: true,
  sinceMs: clock.nowMs(),
  latencyMs: 0.4567,
  probedAtMs: clock.nowMs() - 1500,
  address: 'postgres://db.internal:5432/app?sslmode=verify-full',
  source: 'DATABASE_URL',
  user: 'app',
  tls: true,
  serverVersion: '15.18',
  connections: { open: 4, most: 7 },
  features: [
    { feature: 'identity', most: 4, inUse: 3, waiting: 0 },
    { feature: 'mail', most: 2, inUse: 2, waiting: 5 },
  ],
};
const DOWN = { state: 'down', available: false, reason: 'refused', detail: 'nothing listens' } as const;

class FakeSql extends DatabaseStatus {
  active = true;
  required = false;
  readonly rows = new BehaviorSubject(UP);
  snapshot() {
    return this.rows.value;
  }
  changes() {
    return this.rows.asObservable();
  }
  turn(change: Partial<DatabaseSnapshot>) {
    this.rows.next({ ...UP, ...change });
  }
}

let status: FakeSql;
let health: SqlHealth;
beforeEach(() => {
  status = new FakeSql();
  health = new SqlHealth(status, new HealthIndicatorService());
});

describe('readiness', () => {
  it('shows SQL as one more compartment, and its inside to operators only', () => {
    expect(health.reports(false)).toEqual({ sql: { status: 'up' } });
    expect(health.report('sql', true)).toEqual({
      status: 'up',
      since: new Date(UP.sinceMs).toISOString(),
      latency_ms: 0.46,
      engine: 'postgres',
      address: UP.address,
    });
    expect(health.check()).toMatchObject({ sql: { status: 'up' } });
  });

  it('is degraded without it, and not ready where it is required', () => {
    status.turn(DOWN);
    expect(health.reports(false)).toEqual({ sql: { status: 'down', reason: 'refused' } });
    expect(health.check()).toMatchObject({ sql: { status: 'degraded' } });
    status.required = true;
    expect(health.check()).toMatchObject({ sql: { status: 'down' } });
  });

  it('counts an embedded engine that nobody has asked yet as up', () => {
    status.turn({ engine: 'pglite', state: 'opening', address: 'memory' });
    expect(health.report('sql', true)).toMatchObject({ status: 'up', opening: true });
  });

  it('knows no other name, and nothing where no module uses SQL', () => {
    expect(health.report('rateLimit', true)).toBeUndefined();
    status.active = false;
    expect([health.reports(true), health.report('sql', true), health.check()]).toEqual([{}, undefined, {}]);
  });
});

describe('/v1/isolation', () => {
  it('shows where SQL is and which share each feature has and uses', () => {
    const redis = { all: () => [], required: [] } as unknown as RedisStatus;
    const matrix = () => new IsolationController(redis, new Settings('test'), status).matrix();
    expect(matrix()).toMatchObject({
      sql: {
        engine: 'postgres',
        address: UP.address,
        user: 'app',
        tls: true,
        connections: { open: 4, most: 7 },
        shares: [
          { feature: 'identity', connections: 4, in_use: 3, waiting: 0 },
          { feature: 'mail', connections: 2, in_use: 2, waiting: 5 },
        ],
        outage: 'closed',
        state: 'up',
      },
    });
    status.turn(DOWN);
    expect(matrix()).toMatchObject({ sql: { state: 'down', reason: 'refused', detail: 'nothing listens' } });
    status.active = false;
    expect(matrix()).not.toHaveProperty('sql');
  });
});

describe('metrics', () => {
  it('say whether SQL is up and who uses how much of it', async () => {
    const metrics = new Metrics();
    const gauges = new SqlGauges(status, metrics, clock);
    gauges.onModuleInit();
    gauges.refresh();
    const text = await metrics.registry.metrics();
    expect(text).toContain('infra_sql_up{mode="postgres"} 1');
    expect(text).toContain('infra_sql_in_use{feature="mail"} 2');
    expect(text).toContain('infra_sql_waiting{feature="mail"} 5');
    expect(text).toContain('infra_sql_probe_age_seconds 1.5');
    expect(text).toContain('infra_sql_unavailable_total{feature="identity",reason="disk-full"} 0');
    status.turn(DOWN);
    gauges.refresh();
    expect(await metrics.registry.metrics()).toContain('infra_sql_up{mode="postgres"} 0');
  });
});

describe('the log', () => {
  const lines: string[] = [];
  const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  beforeEach(() => {
    lines.splice(0);
    Logger.overrideLogger({
      log: note('info'),
      warn: note('warn'),
      error: note('error'),
      debug: note('debug'),
    });
  });
  afterEach(() => Logger.overrideLogger(false));

  it('says of SQL what it says of every compartment', () => {
    const settings = Object.assign(new LogSettings(), { warnIntervalMs: 60_000 });
    const log = new SqlStatusLog(status, new Settings('production'), settings, clock);
    log.onApplicationBootstrap();
    status.turn(DOWN);
    status.turn(UP);
    log.onModuleDestroy();
    expect(lines).toEqual([
      'info Compartment sql: up -> down',
      'error PRODUCTION DEGRADED: sql is down (refused)',
      'info Compartment sql: down -> up',
    ]);
  });
});
