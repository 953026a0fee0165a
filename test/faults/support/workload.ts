import { setTimeout as sleep } from 'node:timers/promises';
import type { PurposeRedis, RedisUnavailableError } from '../../../src/redis/index.js';
import { RedisUnavailableError as Unavailable } from '../../../src/redis/index.js';

/** What callers of a purpose saw while its servers changed places. */
export interface Seen {
  /** Writes that were acknowledged, all in all. */
  readonly writes: number;
  /** Keys whose write was acknowledged and that nobody tried to spend. */
  readonly kept: readonly string[];
  /** One-time values that were handed out, each to one caller. */
  readonly spent: readonly string[];
  readonly calls: number;
  /** Calls that failed, by reason. */
  readonly failed: Readonly<Record<string, number>>;
  readonly foreign: readonly unknown[];
  readonly slowestMs: number;
  /** `performance.now()` of the first and the last failure. */
  readonly firstFailureMs: number | undefined;
  readonly lastFailureMs: number | undefined;
}

export interface WorkloadOptions {
  /** `st`, or whatever the namespace of the purpose is. */
  readonly namespace: string;
  /** The purpose may GETDEL: then one-time values are spent as well. */
  readonly spends: boolean;
  readonly workers?: number;
}

type Client = Pick<PurposeRedis<'securityTokens'>, 'set' | 'eval' | 'multi' | 'getdel'>;

const PAUSE_MS = 2;
const TTL_MS = 600_000;
const SPEND_AFTER = 20;

/**
 * Writes in three ways (command, script, transaction), each to a key of its own, and spends one-time values that
 * were written a moment ago. Keys are spread over all slots of a cluster.
 */
export class Workload {
  private readonly written: string[] = [];
  private readonly spent: string[] = [];
  private readonly tried = new Set<string>();
  private readonly failed: Record<string, number> = {};
  private readonly foreign: unknown[] = [];
  private calls = 0;
  private slowestMs = 0;
  private firstFailureMs: number | undefined;
  private lastFailureMs: number | undefined;
  private going = true;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly client: Client,
    private readonly options: WorkloadOptions,
  ) {
    const { workers = 6 } = options;
    this.workers = Array.from({ length: workers }, (_, index) => this.work(index));
  }

  /** Milliseconds since the last failure; infinite before the first. */
  get quietMs(): number {
    return this.lastFailureMs === undefined
      ? Number.POSITIVE_INFINITY
      : performance.now() - this.lastFailureMs;
  }

  async stop(): Promise<Seen> {
    this.going = false;
    await Promise.all(this.workers);
    const { written, tried, spent, calls, failed, foreign, slowestMs, firstFailureMs, lastFailureMs } = this;
    const kept = written.filter((key) => !tried.has(key));
    return {
      writes: written.length,
      kept,
      spent,
      calls,
      failed,
      foreign,
      slowestMs,
      firstFailureMs,
      lastFailureMs,
    };
  }

  private async work(worker: number): Promise<void> {
    const { namespace, spends } = this.options;
    const run = `${namespace}:${Math.round(performance.now())}`;
    for (let n = 0; this.going; n += 1) {
      const key = `${run}:{${worker}:${n % 97}}:${n}`;
      await this.attempt(() => this.write(key, n));
      // What was written a moment ago, and cannot have been written twice.
      const old = `${run}:{${worker}:${(n - SPEND_AFTER) % 97}}:${n - SPEND_AFTER}`;
      if (spends && n % 4 === 0 && n >= SPEND_AFTER && this.written.includes(old, -1000))
        await this.attempt(() => this.spend(old));
      await sleep(PAUSE_MS);
    }
  }

  private async write(key: string, n: number): Promise<void> {
    const { client } = this;
    if (n % 3 === 0) await client.set(key, '1', 'PX', TTL_MS);
    else if (n % 3 === 1) await client.eval(WRITE, 1, key, TTL_MS);
    else {
      const replies = await client.multi().set(key, '1', 'PX', TTL_MS).get(key).exec();
      if (replies?.[1]?.[1] !== '1') throw new Error(`The transaction answered ${JSON.stringify(replies)}`);
    }
    this.written.push(key);
  }

  private async spend(key: string): Promise<void> {
    this.tried.add(key);
    if ((await this.client.getdel(key)) === '1') this.spent.push(key);
  }

  private async attempt(call: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    this.calls += 1;
    try {
      await call();
    } catch (error) {
      this.note(error as Error);
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
  }

  private note(error: Error | RedisUnavailableError): void {
    this.lastFailureMs = performance.now();
    this.firstFailureMs ??= this.lastFailureMs;
    if (error instanceof Unavailable) this.failed[error.reason] = (this.failed[error.reason] ?? 0) + 1;
    else this.foreign.push(error);
  }
}

const WRITE = "return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])";
