import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { count } from 'drizzle-orm';
import { AppModule } from '../../../src/app.module.js';
import { createHttpApp } from '../../../src/app.setup.js';
import type { Environment } from '../../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../../src/database/index.js';
import { SecurityEvents } from '../../../src/identity/index.js';
import { mailOutbox } from '../../../src/mail/mail.tables.js';
import { Metrics } from '../../../src/telemetry/index.js';
import { DescribedAnswers } from '../../support/described-answers.js';
import { NO_FEATURES } from '../../support/no-features.js';
import { freshDatabase } from '../../support/postgres.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { waitFor } from '../../support/wait-for.js';

export const OPS_TOKEN = 'operators-of-the-end-to-end-tests-only';
export const PUBLIC_URL = 'https://app.example.com';

/** Stems of the variables of the purposes. */
const STEMS = ['RATE_LIMIT', 'AUTH_CACHE', 'SECURITY_TOKEN', 'BILLING_EVENTS'] as const;
export type Stem = (typeof STEMS)[number];

/** Budgets that a busy machine keeps, the cheapest hash that settings allow, and no waiting for even answers. */
const BASE: Environment = {
  APP_PROFILE: 'test',
  HOST: '127.0.0.1',
  OPS_TOKEN,
  APP_PUBLIC_URL: PUBLIC_URL,
  // Each person of a test comes from a network of its own.
  TRUST_PROXY: 'loopback',
  AUTH_UNIFORM_ANSWER_MS: '0',
  AUTH_CACHE_REDIS_COMMAND_MS: '5s',
  SECURITY_TOKEN_REDIS_COMMAND_MS: '5s',
  REDIS_START_DEADLINE_MS: '20s',
  DATABASE_START_DEADLINE_MS: '30s',
  DATABASE_WAIT_MS: '10s',
  DATABASE_STATEMENT_MS: '10s',
  PASSWORD_HASH_MEMORY_KIB: '19456',
  PASSWORD_HASH_PASSES: '2',
};

export interface KeptMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface HouseOptions {
  readonly env?: Environment;
  /** A server per purpose, so that one can be lost; otherwise one for all. */
  readonly separate?: boolean;
  /** Unset: a database of the run's PostgreSQL. */
  readonly databaseUrl?: string;
}

/** The whole application behind HTTP on real servers, as often as a test wants instances of it. */
export class AuthHouse {
  readonly instances: Instance[] = [];
  /** Every line that was logged, as JSON: of all instances, since Nest has one logger per process. */
  readonly lines: string[] = [];
  private readonly answers = new DescribedAnswers();

  private constructor(
    private readonly servers: ReadonlyMap<Stem, RedisServer>,
    private readonly env: Environment,
  ) {}

  static async open({ env = {}, separate = false, databaseUrl }: HouseOptions = {}): Promise<AuthHouse> {
    const shared = separate ? undefined : await startRedisServer();
    const servers = new Map<Stem, RedisServer>();
    for (const stem of STEMS) servers.set(stem, shared ?? (await startRedisServer()));
    const urls = Object.fromEntries(
      [...servers].map(([stem, server]) => [`${stem}_REDIS_URL`, server.url()]),
    );
    const database = { DATABASE_URL: databaseUrl ?? (await freshDatabase()) };
    const house = new AuthHouse(servers, { ...BASE, ...urls, ...database, ...env });
    await house.start();
    return house;
  }

  /** One more instance on the same servers. */
  async start(): Promise<Instance> {
    const instance = await Instance.start(this.env, this.lines, this.answers);
    this.instances.push(instance);
    return instance;
  }

  get first(): Instance {
    const [first] = this.instances;
    if (!first) throw new Error('No instance was started');
    return first;
  }

  redis(stem: Stem): RedisServer {
    const server = this.servers.get(stem);
    if (!server) throw new Error(`No server of ${stem}`);
    return server;
  }

  /** Mails to an address, the newest first. Any instance may have sent them. */
  async mailsTo(address: string): Promise<readonly KeptMail[]> {
    const boxes = await Promise.all(this.instances.map((instance) => instance.outbox()));
    return boxes.flat().filter(({ to }) => to === address);
  }

  /** The newest mail to an address with this subject. */
  mail(address: string, subject: string): Promise<KeptMail> {
    return waitFor(async () => (await this.mailsTo(address)).find((one) => one.subject === subject), {
      what: `a mail to ${address}: ${subject}`,
      timeoutMs: 15_000,
      intervalMs: 25,
    });
  }

  /** Of the link in that mail. */
  async mailedToken(address: string, subject: string): Promise<string> {
    return tokenIn(await this.mail(address, subject));
  }

  /** Facts of the lines about one event of somebody's identity. */
  events(event: string): Record<string, unknown>[] {
    return this.lines
      .map((line) => (JSON.parse(line) as unknown[])[1])
      .filter((facts): facts is Record<string, unknown> => typeof facts === 'object' && facts !== null)
      .filter((facts) => facts.event === event);
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map(({ app }) => app.close()));
    await Promise.all([...new Set(this.servers.values())].map((server) => server.stop()));
    this.answers.settle();
  }
}

export function tokenIn({ text }: KeptMail): string {
  const token = /#token=(\S+)/.exec(text)?.[1];
  if (token === undefined) throw new Error('The mail has no link with a token');
  return decodeURIComponent(token);
}

export class Instance {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly port: number,
  ) {}

  static async start(env: Environment, lines: string[], answers: DescribedAnswers): Promise<Instance> {
    const keep = (...parts: unknown[]): void => void lines.push(JSON.stringify(parts));
    const logger = { log: keep, error: keep, warn: keep, debug: keep, verbose: keep, fatal: keep };
    const app = await createHttpApp(AppModule.register({ ...NO_FEATURES, env }), { logger });
    answers.watch(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new Instance(app, port);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async outbox(): Promise<readonly KeptMail[]> {
    const response = await fetch(`${this.origin}/dev/outbox`);
    return ((await response.json()) as { mails: KeptMail[] }).mails;
  }

  /** Mails that were ever decided upon, sent or not. */
  async mailCount(): Promise<number> {
    const db = this.app.get<FeatureDatabase>(getDatabaseToken('auth'), { strict: false });
    const [row] = await db.run((sql) => sql.select({ mails: count() }).from(mailOutbox));
    return row?.mails ?? 0;
  }

  /** Kinds of the security events of a user, the newest first. */
  async eventsOf(userId: string): Promise<string[]> {
    const events = await this.app.get(SecurityEvents, { strict: false }).listOf(userId);
    return events.map(({ kind }) => kind);
  }

  /** Sum over all series of a counter whose line has this text, such as `password_checks_total`. */
  async metric(text: string): Promise<number> {
    const lines = (await this.app.get(Metrics).registry.metrics()).split('\n');
    const values = lines
      .filter((line) => line.startsWith(text))
      .map((line) => Number(line.split(' ').at(-1)));
    return values.reduce((sum, value) => sum + value, 0);
  }
}
