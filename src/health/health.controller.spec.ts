import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Settings } from '../config/index.js';
import { DatabaseStatus } from '../database/index.js';
import { HttpSettings, OpsAccess, createFastifyAdapter, furnishHttpDoor } from '../http/index.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { Secret } from '../kernel/redact.js';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';
import { CLOCK, CompartmentNotes, Metrics } from '../telemetry/index.js';
import { CompartmentHealth } from './compartment.health.js';
import { HealthController } from './health.controller.js';
import { IsolationController } from './isolation.controller.js';
import { MetricsController } from './metrics.controller.js';
import { RateLimitStore, type StoreFacts } from '../rate-limit/index.js';
import { RateLimitGauges } from './rate-limit-gauges.js';
import { RedisGauges } from './redis-gauges.js';
import { RedisHealth } from './redis.health.js';
import { ShutdownState } from './shutdown-state.js';
import { SqlGauges } from './sql-gauges.js';
import { SqlHealth } from './sql.health.js';

const TOKEN = 'ops-token-of-at-least-thirty-two-characters';
const OPS = { authorization: `Bearer ${TOKEN}` };
const clock = new ManualClock();
const withoutSql = [SqlHealth, SqlGauges, { provide: DatabaseStatus, useValue: { active: false } }];
function row(purpose: string, more: Partial<PurposeStatus> = {}): PurposeStatus {
  return {
    purpose,
    engine: 'redis',
    state: 'up',
    sinceMs: clock.nowMs(),
    latencyMs: 0.4567,
    probedAtMs: clock.nowMs() - 1500,
    isolation: 'instance',
    sharedWith: [],
    address: 'rediss://cache.internal:6379/0',
    topology: 'standalone',
    primaries: ['cache.internal:6379'],
    source: 'REDIS_URL',
    user: 'app',
    db: 0,
    serverVersion: '7.0.15',
    outage: 'closed',
    namespace: purpose,
    lanes: [{ lane: 'command', connected: true, inFlight: 2 }],
    proofs: [{ fact: 'database', verdict: 'proven', detail: 'db 0 is selected' }],
    ...more,
  };
}

class FakeStatus extends RedisStatus {
  rows: PurposeStatus[] = [];
  required: string[] = [];
  all() {
    return this.rows;
  }
  of(purpose: string) {
    return this.rows.find((r) => r.purpose === purpose) as PurposeStatus;
  }
  changes() {
    return NEVER;
  }
  ready() {
    const down = this.rows.filter((r) => r.state !== 'up').map((r) => r.purpose);
    return !this.required.some((name) => down.includes(name)) && down.length < this.rows.length;
  }
}

const FACTS = {
  backend: 'redis',
  configured: 'redis',
  since: new Date(clock.nowMs()).toISOString(),
  healthy: true,
  breaker: { state: 'closed' },
  instances: { count: 3, source: 'heartbeat' },
  canary_percent: 100,
  subjects: 12,
  blocked: 2,
  overrides: 1,
  version: 5,
  edition: 4,
  shadowed: [],
} satisfies StoreFacts;
const status = new FakeStatus();
let app: NestFastifyApplication;
const errors: unknown[] = [];
beforeAll(async () => {
  const http = Object.assign(new HttpSettings(), {
    trustProxy: false,
    bodyLimitBytes: 65_536,
    headerLimitBytes: 16_384,
    requestTimeoutMs: 30_000,
    connectionTimeoutMs: 65_000,
    keepAliveTimeoutMs: 72_000,
    opsToken: new Secret(TOKEN),
  });
  status.rows = [row('rateLimit', { outage: 'degrade' })];
  const module = await Test.createTestingModule({
    imports: [TerminusModule.forRoot({ logger: false })],
    controllers: [HealthController, MetricsController, IsolationController],
    providers: [
      ...withoutSql,
      RedisHealth,
      RedisGauges,
      CompartmentHealth,
      RateLimitGauges,
      ShutdownState,
      OpsAccess,
      Metrics,
      CompartmentNotes,
      { provide: RedisStatus, useValue: status },
      { provide: RateLimitStore, useValue: { facts: () => FACTS } },
      { provide: HttpSettings, useValue: http },
      { provide: Settings, useValue: new Settings('production') },
      { provide: CLOCK, useValue: clock },
    ],
  }).compile();
  const silent = () => undefined;
  app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(http), {
    bodyParser: false,
    logger: { log: silent, warn: (m: unknown) => errors.push(m), error: (m: unknown) => errors.push(m) },
  });
  furnishHttpDoor(app, { metrics: app.get(Metrics), clock, quietRoutes: [], followRequests: true });
  await app.init();
});
afterAll(() => app.close());
beforeEach(() => {
  status.required = [];
  status.rows = [row('rateLimit', { outage: 'degrade' }), row('billingEvents')];
});

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });
const lose = (...purposes: string[]) => {
  status.rows = status.rows.map((r) =>
    purposes.includes(r.purpose)
      ? { ...r, state: r.outage === 'degrade' ? 'degraded' : 'down', reason: 'refused' }
      : r,
  );
};

describe('/readyz', () => {
  it('is 200 ok while every compartment is up', async () => {
    const answer = await get('/readyz');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toEqual({
      status: 'ok',
      purposes: { rateLimit: { status: 'up' }, billingEvents: { status: 'up' } },
    });
  });

  it('stays 200, degraded, with a closed compartment visible', async () => {
    lose('billingEvents');
    const answer = await get('/readyz');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      status: 'degraded',
      purposes: { rateLimit: { status: 'up' }, billingEvents: { status: 'down', reason: 'refused' } },
    });
  });

  it('is 503 when a required compartment is lost', async () => {
    status.required = ['billingEvents'];
    lose('billingEvents');
    const answer = await get('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ status: 'error', purposes: { billingEvents: { status: 'down' } } });
  });

  it('is 503 when every compartment is lost, a degraded one included', async () => {
    lose('rateLimit', 'billingEvents');
    const answer = await get('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ status: 'error', purposes: { rateLimit: { status: 'degraded' } } });
  });

  it('shows addresses to operators only', async () => {
    expect((await get('/readyz')).body).not.toContain('cache.internal');
    expect((await get('/readyz', OPS)).json<{ purposes: object }>().purposes).toMatchObject({
      rateLimit: {
        status: 'up',
        since: new Date(clock.nowMs()).toISOString(),
        latency_ms: 0.46,
        isolation: 'instance',
        engine: 'redis',
        address: 'rediss://cache.internal:6379/0',
      },
    });
  });

  it('tells operators what counts, and nobody else', async () => {
    expect((await get('/readyz', OPS)).json()).toMatchObject({ rate_limit: FACTS });
    expect((await get('/readyz/rateLimit', OPS)).json()).toMatchObject({ rate_limit: FACTS });
    expect((await get('/readyz/billingEvents', OPS)).json()).not.toHaveProperty('rate_limit');
    expect((await get('/readyz')).json()).not.toHaveProperty('rate_limit');
    expect((await get('/readyz/rateLimit')).json()).not.toHaveProperty('rate_limit');
  });

  it('logs nothing, however often it is asked during an outage', async () => {
    lose('rateLimit', 'billingEvents');
    for (let i = 0; i < 10; i++) await get('/readyz');
    expect(errors).toEqual([]);
  });
});

describe('/readyz/:purpose', () => {
  it.each([
    ['rateLimit', 200, 'degraded'],
    ['billingEvents', 503, 'down'],
  ])('of a lost %s is %i', async (purpose, code, state) => {
    lose(purpose);
    const answer = await get(`/readyz/${purpose}`);
    expect(answer.statusCode).toBe(code);
    expect(answer.json()).toEqual({ purpose, status: state, reason: 'refused' });
  });

  it('of a compartment that nobody uses is a 404 problem', async () => {
    const answer = await get('/readyz/nonsense');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ type: '/problems/unknown-purpose', status: 404 });
  });
});

describe('/metrics', () => {
  it('is for operators', async () => {
    const answer = await get('/metrics');
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="ops"');
    expect(answer.json()).toMatchObject({ type: '/problems/ops-token-required' });
  });

  it('shows the compartments as they are at the scrape', async () => {
    lose('billingEvents');
    const answer = await get('/metrics', OPS);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body.split('\n')).toEqual(
      expect.arrayContaining([
        'infra_redis_up{purpose="rateLimit"} 1',
        'infra_redis_up{purpose="billingEvents"} 0',
        'infra_redis_mode{purpose="rateLimit",mode="redis",profile="production"} 1',
        'infra_redis_inflight_commands{purpose="rateLimit",context="command"} 2',
        'infra_redis_lanes{purpose="rateLimit",context="command"} 1',
        'infra_redis_probe_age_seconds{purpose="rateLimit"} 1.5',
        'infra_redis_shared_target{purpose="rateLimit"} 0',
        'infra_redis_fallback_total{purpose="rateLimit",reason="refused"} 0',
        'rate_limit_backend{backend="redis"} 1',
        'rate_limit_backend{backend="memory"} 0',
        'rate_limit_instances 3',
        'rate_limit_blocked_subjects 2',
        'rate_limit_overrides 1',
        'rate_limit_subjects_remembered 12',
      ]),
    );
  });
});

describe('/isolation', () => {
  it('is for operators', async () => expect((await get('/isolation')).statusCode).toBe(401));

  it('lists each compartment with what was proven', async () => {
    const answer = await get('/isolation', OPS);
    expect(answer.json()).toMatchObject({
      profile: 'production',
      connections: 2,
      purposes: [
        {
          purpose: 'rateLimit',
          engine: 'redis',
          source: 'REDIS_URL',
          user: 'app',
          db: 0,
          server_version: '7.0.15',
          isolation: 'instance',
          shared_with: [],
          lanes: [{ lane: 'command', connected: true, in_flight: 2 }],
          outage: 'degrade',
          state: 'up',
          proofs: [{ fact: 'database', verdict: 'proven' }],
        },
        { purpose: 'billingEvents' },
      ],
    });
  });
});

describe('while the process shuts down', () => {
  it('it is alive but not ready', async () => {
    app.get(ShutdownState).begin();
    expect((await get('/livez')).json()).toEqual({ status: 'ok' });
    const whole = await get('/readyz');
    const part = await get('/readyz/billingEvents');
    expect([whole.statusCode, part.statusCode]).toEqual([503, 503]);
    expect(whole.json()).toMatchObject({ status: 'shutting_down' });
    expect(part.json()).toMatchObject({ status: 'shutting_down', purpose: 'billingEvents' });
  });
});
