import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { INestApplicationContext } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { BillingModule } from '../../../src/billing/billing.module.js';
import { EventLog } from '../../../src/billing/log/event-log.js';
import type { LogEntry } from '../../../src/billing/log/log-entry.js';
import type { Environment } from '../../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../../src/database/index.js';
import { tenants } from '../../../src/identity/identity.tables.js';
import { RateLimitModule } from '../../../src/rate-limit/index.js';
import { RedisTestingModule } from '../../../src/redis/redis-testing.module.js';
import { killOnExit } from '../../support/clean-up.js';
import { FAKE_KEY, FakeStripe } from '../../support/fake-stripe.js';
import { freshDatabase } from '../../support/postgres.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../../support/redis-server.js';

const silent = { log: () => undefined, warn: () => undefined, error: () => undefined };

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs as a process of its own. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly err: () => string;
  readonly end: Promise<CommandResult>;
}

/** Redis, SQL and a Stripe of a test's own, with billing on them: as a container, and as command lines. */
export class OpsHouse {
  private constructor(
    readonly redis: RedisServer,
    readonly stripe: FakeStripe,
    readonly env: Readonly<Record<string, string>>,
    readonly app: TestingModule,
  ) {}

  /** @param options of its Redis, which keeps nothing on disk unless told to */
  static async open(env: Environment = {}, options: RedisServerOptions = {}): Promise<OpsHouse> {
    const redis = await startRedisServer(options);
    const stripe = await FakeStripe.start();
    const variables = {
      APP_PROFILE: 'test',
      REDIS_URL: redis.url(),
      REDIS_START_DEADLINE_MS: '20s',
      BILLING_EVENTS_REDIS_COMMAND_MS: '5s',
      DATABASE_URL: await freshDatabase(),
      DATABASE_START_DEADLINE_MS: '30s',
      DATABASE_WAIT_MS: '10s',
      STRIPE_API_BASE: stripe.base,
      STRIPE_SECRET_KEY: FAKE_KEY,
      BILLING_BACKFILL_LAG_S: '0',
      BILLING_BACKFILL_LOCK: '3s',
      ...env,
    };
    const app = await containerOf(variables);
    return new OpsHouse(redis, stripe, variables, app);
  }

  /** One more instance on the same servers; the test closes it. */
  another(env: Environment = {}): Promise<TestingModule> {
    return containerOf({ ...this.env, ...env });
  }

  get<T>(type: abstract new (...args: never[]) => T, app: INestApplicationContext = this.app): T {
    return app.get<T>(type as never, { strict: false });
  }

  get log(): EventLog {
    return this.get(EventLog);
  }

  get sql(): FeatureDatabase {
    return this.app.get<FeatureDatabase>(getDatabaseToken('billing'), { strict: false });
  }

  /** Everything that is kept, oldest first. */
  async entries(): Promise<LogEntry[]> {
    const all: LogEntry[] = [];
    for (;;) {
      const after = all.at(-1)?.id;
      const page = await this.log.page({ count: 1000, ...(after && { after }) });
      all.push(...page);
      if (page.length < 1000) return all;
    }
  }

  async tenant(): Promise<string> {
    const id = randomUUID();
    await this.sql.run((db) => db.insert(tenants).values({ id, name: id, personal: false }));
    return id;
  }

  /** @param cli entry of a build */
  command(cli: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCommand {
    const child = spawn(process.execPath, [cli, ...words], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      env: { PATH: process.env.PATH ?? '', ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    killOnExit(child);
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const end = new Promise<CommandResult>((resolve) =>
      child.once('close', (code) => resolve({ code, out, err })),
    );
    return { process: child, err: () => err, end };
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.stripe.stop();
    await this.redis.stop();
  }
}

async function containerOf(env: Environment): Promise<TestingModule> {
  const features = [RateLimitModule.forRoot(), BillingModule];
  const imports = [await RedisTestingModule.forFeatures(features, { env })];
  const app = await Test.createTestingModule({ imports }).setLogger(silent).compile();
  await app.init();
  return app;
}
