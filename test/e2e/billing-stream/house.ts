import { randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessTokens, Sessions } from '../../../src/access/index.js';
import { AppModule } from '../../../src/app.module.js';
import { createHttpApp } from '../../../src/app.setup.js';
import { EventLog } from '../../../src/billing/log/event-log.js';
import { LogReader } from '../../../src/billing/stream/log-reader.js';
import type { Environment } from '../../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../../src/database/index.js';
import { Passwords, Tenants, Users, normalizeEmail } from '../../../src/identity/index.js';
import type { RateLimitModuleOptions, StreamQuotaTable } from '../../../src/rate-limit/index.js';
import { Metrics } from '../../../src/telemetry/index.js';
import { DescribedAnswers } from '../../support/described-answers.js';
import { NO_FEATURES } from '../../support/no-features.js';
import { freshDatabase } from '../../support/postgres.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { TestSource } from './event-source.js';

export const PUBLIC_URL = 'https://app.example.com';

const BASE: Environment = {
  APP_PROFILE: 'test',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'fatal',
  APP_PUBLIC_URL: PUBLIC_URL,
  TRUST_PROXY: 'loopback',
  RATE_LIMIT_REDIS_COMMAND_MS: '5s',
  AUTH_CACHE_REDIS_COMMAND_MS: '5s',
  SECURITY_TOKEN_REDIS_COMMAND_MS: '5s',
  BILLING_EVENTS_REDIS_COMMAND_MS: '5s',
  REDIS_START_DEADLINE_MS: '20s',
  DATABASE_START_DEADLINE_MS: '30s',
  DATABASE_WAIT_MS: '10s',
  DATABASE_STATEMENT_MS: '10s',
  PASSWORD_HASH_MEMORY_KIB: '19456',
  PASSWORD_HASH_PASSES: '2',
  BILLING_SSE_DRAIN_MS: '0',
};

/** Room for a crowd from one machine. The tests of quotas use those of the house. */
const ROOMY = {
  policies: {
    default: { limits: [{ per: 'ip', quota: 100_000, windowMs: 60_000, burst: 100_000, outage: 'local' }] },
    'stream-connect': {
      limits: [{ per: 'ip', quota: 100_000, windowMs: 60_000, burst: 100_000, outage: 'local' }],
    },
  },
  streamQuotas: {
    billing: {
      concurrent: [{ per: 'tenant', streams: 10_000 }],
      connects: 'stream-connect',
      outage: 'local',
    },
  },
} as const;

export interface StreamPerson {
  readonly userId: string;
  readonly tenantId: string;
  readonly sessionId: string;
  readonly token: string;
}

export interface StreamHouseOptions {
  readonly env?: Environment;
  /** Quotas and policies as they are. */
  readonly strict?: boolean;
  readonly streamQuotas?: StreamQuotaTable;
}

/** The application on real servers: one Redis for billing, one for everything else. */
export class StreamHouse {
  readonly apps: NestFastifyApplication[] = [];
  private readonly sources: TestSource[] = [];
  private readonly answers = new DescribedAnswers();
  private events = 0;

  private constructor(
    readonly billing: RedisServer,
    readonly others: RedisServer,
    private readonly env: Environment,
    private readonly rateLimit: RateLimitModuleOptions,
  ) {}

  static async open({
    env = {},
    strict = false,
    streamQuotas = ROOMY.streamQuotas,
  }: StreamHouseOptions = {}): Promise<StreamHouse> {
    const billing = await startRedisServer({
      appendonly: true,
      appendfsync: 'always',
    });
    const others = await startRedisServer();
    const urls = {
      BILLING_EVENTS_REDIS_URL: billing.url(),
      REDIS_URL: others.url(),
      DATABASE_URL: await freshDatabase(),
    };
    const rateLimit = strict ? {} : { ...ROOMY, streamQuotas };
    const house = new StreamHouse(billing, others, { ...BASE, ...urls, ...env }, rateLimit);
    await house.start();
    return house;
  }

  /** One more instance on the same servers. */
  async start(env: Environment = {}): Promise<NestFastifyApplication> {
    const { rateLimit } = this;
    const module = AppModule.register({ ...NO_FEATURES, rateLimit, env: { ...this.env, ...env } });
    const app = await createHttpApp(module, { logger: false });
    this.answers.watch(app);
    await app.listen(0, '127.0.0.1');
    this.apps.push(app);
    return app;
  }

  get first(): NestFastifyApplication {
    return this.apps[0] as NestFastifyApplication;
  }

  get<T>(type: Type<T>, app = this.first): T {
    return app.get(type, { strict: false });
  }

  get log(): EventLog {
    return this.get(EventLog);
  }

  /** For an instance that is a process of its own. */
  get variables(): Readonly<Record<string, string>> {
    // It says in its log that it listens.
    return { ...(this.env as Readonly<Record<string, string>>), LOG_LEVEL: 'info' };
  }

  /** Of the first instance. */
  get firstOrigin(): string {
    const { port } = this.first.getHttpServer().address() as { port: number };
    return `http://127.0.0.1:${port}`;
  }

  async origin(app = this.first): Promise<string> {
    return app.getUrl();
  }

  /** Somebody with a confirmed address, a tenant and a session. */
  async person(): Promise<StreamPerson> {
    const address = normalizeEmail(`q${randomUUID()}@example.org`);
    if (!address) throw new Error('No address');
    const db = this.first.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    const phc = await this.get(Passwords).hashNew('lantern oyster hill', address.key);
    const { user } = await db.transaction(async (tx) => {
      const registered = await this.get(Users).register(tx, address, phc);
      await this.get(Users).verifyEmail(tx, registered.user.id, address.key);
      return registered;
    });
    const [personal] = await this.get(Tenants).membershipsOf(user.id);
    return this.login(user.id, personal?.tenantId ?? '');
  }

  async login(userId: string, tenantId: string): Promise<StreamPerson> {
    const epoch = (await this.get(Users).epochOf(userId)) ?? 0;
    const session = {
      userId,
      amr: ['pwd'],
      familyId: randomUUID(),
      epoch,
      address: '127.0.0.1',
      userAgent: 'x',
    };
    const { sessionId } = await this.get(Sessions).create(session);
    const grant = { userId, tenantId, role: 'owner', scopes: ['billing:read'], sessionId, epoch } as const;
    const { token } = await this.get(AccessTokens).issue(grant);
    return { userId, tenantId, sessionId, token };
  }

  /** Appends events of a tenant; `data.n` counts all of the house. @returns the numbers */
  async publish(
    tenantId: string,
    count: number,
    { type = 'invoice.paid', bytes = 0 } = {},
  ): Promise<number[]> {
    const first = this.events;
    this.events += count;
    const numbers = Array.from({ length: count }, (_, at) => first + at);
    const [head, ...rest] = numbers;
    // The first alone: Redis may have to be told the script.
    if (head !== undefined) await this.append(tenantId, head, type, bytes);
    for (let at = 0; at < rest.length; at += 64)
      await Promise.all(rest.slice(at, at + 64).map((n) => this.append(tenantId, n, type, bytes)));
    return numbers;
  }

  append(tenantId: string, n: number, type = 'invoice.paid', bytes = 0) {
    const data = JSON.stringify({ n, tenant_id: tenantId, ...(bytes > 0 ? { pad: 'x'.repeat(bytes) } : {}) });
    const event = {
      eventId: `evt_${n}`,
      type,
      tenantId,
      createdS: 1_700_000_000,
      objectId: '',
      data,
      raw: '{}',
    };
    return this.log.append(event);
  }

  /** Opens a stream as whoever holds the token. */
  async stream(
    { token }: Pick<StreamPerson, 'token'>,
    { app = this.first, query = '', lastEventId = '', headers = {} } = {},
  ): Promise<TestSource> {
    const url = `${await app.getUrl()}/v1/billing/stream${query}`;
    const source = await TestSource.open(url, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(lastEventId ? { lastEventId } : {}),
    });
    this.sources.push(source);
    return source;
  }

  /** The reader of an instance has everything that is in the log. */
  async settled(app = this.first): Promise<void> {
    const reader = this.get(LogReader, app);
    await waitFor(async () => reader.position === (await this.log.tail()), { what: 'the reader to arrive' });
  }

  /** Value of a series. */
  async metric(series: string, app = this.first): Promise<number> {
    const lines = (await app.get(Metrics, { strict: false }).registry.metrics()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));
  }

  async close(): Promise<void> {
    await Promise.all(this.sources.map((source) => source.cut()));
    await Promise.all(this.apps.map((app) => app.close()));
    await Promise.all([this.billing.stop(), this.others.stop()]);
    this.answers.settle();
  }
}

/** The numbers of events, as they arrived. */
export function numbersOf(source: TestSource): number[] {
  return source.billing.map(({ data }) => Number(data.n));
}
