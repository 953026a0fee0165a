import type { Redis } from 'ioredis';
import { AppError } from '../../src/kernel/errors.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { Secret } from '../../src/kernel/redact.js';
import { type PurposeRedis, RedisCommandError } from '../../src/redis/index.js';
import { NonceStore } from '../../src/security-tokens/nonce-store.js';
import { OneTimeTokens } from '../../src/security-tokens/one-time-tokens.js';
import { NonceSettings, SecurityTokenPeppers } from '../../src/security-tokens/security-tokens.config.js';
import { TOKEN_KINDS } from '../../src/security-tokens/token-kinds.js';
import { Metrics } from '../../src/telemetry/index.js';
import { openCompartments } from '../support/compartments.js';

export const SKEW_MS = 30_000;

export type TokenRedis = PurposeRedis<'securityTokens'>;

/** Peppers of every kind; `ring` is the text of each ring, told apart by the kind. */
export function peppersOf(...secrets: readonly string[]): SecurityTokenPeppers {
  const peppers = new SecurityTokenPeppers();
  const names = [...Object.values(TOKEN_KINDS).map(({ pepper }) => pepper), 'unsubscribe' as const];
  for (const name of names)
    peppers[name] = new Secret(secrets.map((secret) => `${secret}-${name}`.padEnd(32, '.')).join(','));
  return peppers;
}

/**
 * A client without the time budgets of the application, for cases that ask an engine for more at once than it answers
 * within them on a busy machine. It sends the same commands, and has the errors by which a forgotten script is known.
 */
export function patientClient(redis: Redis): TokenRedis {
  const ours = (error: Error): never => {
    throw new RedisCommandError(
      'securityTokens',
      'evalsha',
      error.message.split(' ')[0] ?? '',
      error.message,
    );
  };
  const client = {
    evalsha: (sha: string, count: number, ...args: string[]) =>
      redis.evalsha(sha, count, ...args).catch(ours),
    eval: (text: string, count: number, ...args: string[]) => redis.eval(text, count, ...args).catch(ours),
    unlink: (key: string) => redis.unlink(key),
  };
  return client as unknown as TokenRedis;
}

export const PEPPERS = peppersOf('first');

export function tokensOn(redis: TokenRedis, peppers = PEPPERS) {
  const [clock, metrics] = [new ManualClock(), new Metrics()];
  return { tokens: new OneTimeTokens(redis, peppers, metrics, clock), clock, metrics };
}

export function noncesOn(redis: TokenRedis, skewMs = SKEW_MS) {
  const metrics = new Metrics();
  const settings = Object.assign(new NonceSettings(), { skewMs });
  return { nonces: new NonceStore(redis, metrics, settings), metrics };
}

/** The purpose as the application has it, on a server or a proxy in front of one. */
export function openPurpose(port: number) {
  return openCompartments(['securityTokens'], {
    SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${port}`,
    REDIS_PROBE_INTERVAL_MS: '100ms',
    REDIS_RETRY_CAP_MS: '200ms',
  });
}

/** What the server holds: each key, its TTL in milliseconds (-1: none) and everything in it as text. */
export async function held(redis: Redis): Promise<{ key: string; ttlMs: number; text: string }[]> {
  const keys = (await redis.keys('st:*')).filter((key) => !key.includes('__probe')).sort();
  return Promise.all(
    keys.map(async (key) => ({ key, ttlMs: await redis.pttl(key), text: await contentOf(redis, key) })),
  );
}

async function contentOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key));
  return type === 'zset' ? JSON.stringify(await redis.zrange(key, '0', '-1')) : type;
}

const RECORD = /^(\d+) (\d+) (\d+ .*)$/;
const MOMENTS = new Set(['born', 'until', 'seen']);

/**
 * Makes everything that is kept older: what the scripts compare with the server's clock is then as it will be when the
 * time has passed. The clock of a server that others use cannot be set, and nobody waits for an hour.
 */
export async function passTime(redis: Redis, ms: number): Promise<void> {
  for (const { key, ttlMs } of await held(redis)) {
    if (ttlMs >= 0 && ttlMs <= ms) {
      await redis.del(key);
      continue;
    }
    if ((await redis.type(key)) === 'zset') await ageMembers(redis, key, ms);
    else await ageFields(redis, key, ms);
    if (ttlMs >= 0) await redis.pexpire(key, ttlMs - ms);
  }
}

async function ageMembers(redis: Redis, key: string, ms: number): Promise<void> {
  for (const member of await redis.zrange(key, '0', '-1'))
    await redis.zadd(key, Number(await redis.zscore(key, member)) - ms, member);
}

async function ageFields(redis: Redis, key: string, ms: number): Promise<void> {
  const earlier = (moment: string) => String(Math.max(0, Number(moment) - ms));
  for (const [field, value] of Object.entries(await redis.hgetall(key))) {
    const [, ends = '', lease = '', rest = ''] = RECORD.exec(value) ?? [];
    if (rest) await redis.hset(key, field, `${earlier(ends)} ${earlier(lease)} ${rest}`);
    else if (MOMENTS.has(field)) await redis.hset(key, field, earlier(value));
  }
}

/** How a call ended, for people: `ok`, or the slug of its problem; any other error is passed on. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (error instanceof AppError) return error.slug;
    throw error;
  }
}

/** The sum of a counter over the series that have these labels. */
export async function counted(
  metric: Metrics['securityTokenFailClosed' | 'securityTokenOperations' | 'securityNonceUses'],
  labels: Record<string, string> = {},
): Promise<number> {
  const { values } = await metric.get();
  const chosen = values.filter((series) =>
    Object.entries(labels).every(([name, value]) => Reflect.get(series.labels, name) === value),
  );
  return chosen.reduce((sum, { value }) => sum + value, 0);
}
