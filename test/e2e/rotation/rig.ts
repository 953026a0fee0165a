import { inspect } from 'node:util';
import type { INestApplicationContext, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Environment } from '../../../src/config/index.js';
import {
  type BlockingRedis,
  type BuiltInPurpose,
  PURPOSES,
  type PurposeRedis,
  RedisModule,
  type RedisModuleOptions,
  RedisRotation,
  RedisStatus,
  RedisTestingModule,
  aclRule,
  getRedisToken,
} from '../../../src/redis/index.js';
import { Metrics } from '../../../src/telemetry/index.js';
import type { RedisServer } from '../../support/redis-server.js';
import { waitFor } from '../../support/wait-for.js';

export const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];

/** Six connections: one per purpose, and two more for billing events. */
export const LANES = PURPOSE_NAMES.reduce((sum, name) => sum + Object.keys(PURPOSES[name].lanes).length, 0);

type AnyClient = Pick<PurposeRedis<'rateLimit'>, 'get' | 'set'>;

/** The Redis core under test, with its log and its counters. */
export interface RotationRig {
  readonly app: INestApplicationContext;
  readonly log: readonly LogLine[];
  readonly status: RedisStatus;
  readonly rotation: RedisRotation;
  client(purpose: BuiltInPurpose): AnyClient;
  blocking(): BlockingRedis<'billingEvents'>;
  bulk(): PurposeRedis<'billingEvents'>;
  /** The command lane of billing events. */
  transacting(): PurposeRedis<'billingEvents'>;
  /** Of `infra_redis_credential_rotations_total`. */
  rotations(purpose: BuiltInPurpose, outcome: string): Promise<number>;
  /** Resolves when every purpose has seen `count` rotations that were applied. */
  applied(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface LogLine {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

/** No call is lost by a rotation; how long one takes is the machine's affair, which may have other work. */
const BUDGET = '2s';

export async function openRig(
  env: Environment,
  redis: RedisModuleOptions = {},
  purposes: readonly BuiltInPurpose[] = PURPOSE_NAMES,
): Promise<RotationRig> {
  const log: LogLine[] = [];
  const features = purposes.map((purpose) => RedisModule.forPurpose(purpose));
  const budgets = purposes.map((purpose) => [`${PURPOSES[purpose].env}_COMMAND_MS`, BUDGET]);
  const house = RedisTestingModule.forFeatures(features, {
    env: { ...Object.fromEntries(budgets), ...env },
    redis,
  });
  const app = await NestFactory.createApplicationContext(house, {
    logger: collector(log),
    abortOnError: false,
  });
  const get = <T>(token: string): T => app.get<T>(token, { strict: false });
  const metrics = app.get(Metrics, { strict: false });
  const rotations = async (purpose: BuiltInPurpose, outcome: string): Promise<number> => {
    const { values } = await metrics.redisCredentialRotations.get();
    return (
      values.find(({ labels }) => labels.purpose === purpose && labels.outcome === outcome)?.value ?? NaN
    );
  };
  return {
    app,
    log,
    status: app.get(RedisStatus, { strict: false }),
    rotation: app.get(RedisRotation, { strict: false }),
    client: (purpose) => get<AnyClient>(getRedisToken(purpose)),
    blocking: () => get<BlockingRedis<'billingEvents'>>(getRedisToken('billingEvents', 'blocking')),
    bulk: () => get<PurposeRedis<'billingEvents'>>(getRedisToken('billingEvents', 'bulk')),
    transacting: () => get<PurposeRedis<'billingEvents'>>(getRedisToken('billingEvents')),
    rotations,
    applied: async (count) => {
      const done = async () =>
        (await Promise.all(purposes.map((name) => rotations(name, 'applied')))).every((n) => n >= count);
      await waitFor(done, { what: `${count} rotations of every purpose`, timeoutMs: 20_000 });
    },
    close: () => app.close(),
  };
}

/** One least-privilege user per purpose on one server, as an ACL file has them. */
export function usersOf(password: string): string[] {
  return ['user default off', ...PURPOSE_NAMES.map((purpose) => ruleOf(purpose, purpose, password))];
}

export function ruleOf(purpose: BuiltInPurpose, user: string, password: string): string {
  return aclRule({ user, definition: PURPOSES[purpose], db: 0 }).replace('>PASSWORD', `>${password}`);
}

/** Adds or takes passwords of every user: `>new`, `<old`. */
export async function setPasswords(server: RedisServer, ...changes: readonly string[]): Promise<void> {
  for (const user of PURPOSE_NAMES) await server.admin().call('ACL', 'SETUSER', user, ...changes);
}

export interface SeenClient {
  readonly id: string;
  readonly name: string;
  readonly user: string;
}

/** The connections of the lanes as the server sees them. */
export async function lanesOn(server: RedisServer): Promise<SeenClient[]> {
  const list = String(await server.admin().client('LIST'));
  const seen = list.split('\n').flatMap((line) => {
    const field = (name: string) => new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? '';
    const name = field('name');
    const lane = name.startsWith('bulkhead:') && !name.endsWith(':rehearsal');
    return lane ? [{ id: field('id'), name, user: field('user') }] : [];
  });
  return seen.sort((a, b) => a.name.localeCompare(b.name));
}

/** How often the server has been asked to AUTH, by anybody. */
export async function authCalls(server: RedisServer): Promise<number> {
  const stats = String(await server.admin().info('commandstats'));
  return Number(/cmdstat_auth:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** Ends the connections of all lanes, and waits until every one has been made anew. */
export async function killLanes(server: RedisServer): Promise<void> {
  const before = new Set((await lanesOn(server)).map(({ id }) => id));
  for (const id of before) await server.admin().call('CLIENT', 'KILL', 'ID', id);
  const back = async () => {
    const now = (await lanesOn(server)).filter(({ id }) => !before.has(id));
    return now.length >= LANES;
  };
  await waitFor(back, { what: `${LANES} new connections`, timeoutMs: 10_000 });
}

export async function allUp({ status }: RotationRig): Promise<void> {
  await waitFor(() => status.all().every(({ state }) => state === 'up'), { what: 'every purpose to be up' });
}

export function warnings({ log }: RotationRig): string[] {
  return log.flatMap(({ level, text }) => (level === 'warn' ? [text] : []));
}

function collector(log: LogLine[]): LoggerService {
  const take =
    (level: LogLine['level']) =>
    (message: unknown): void =>
      void log.push({ level, text: typeof message === 'string' ? message : inspect(message) });
  return { log: take('log'), warn: take('warn'), error: take('error') };
}
