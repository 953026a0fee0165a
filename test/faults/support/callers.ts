import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisUnavailableError, type UnavailableReason } from '../../../src/redis/index.js';
import { SECRETS } from './house.js';

/** What became of one INCR of a key that no other call touches. Times are of `performance.now()`. */
export interface Attempt {
  readonly key: string;
  readonly startedMs: number;
  readonly ms: number;
  readonly outcome: 'ok' | 'unavailable' | 'foreign error';
  readonly reason?: UnavailableReason;
  readonly maybeExecuted?: boolean;
  /** Of a foreign error, for the person who has to find out. */
  readonly text?: string;
  /** The error shows a secret somewhere. */
  readonly leaks?: true;
}

export interface Incrementer {
  eval(text: string, numkeys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** INCR as a script, since every purpose is granted scripts but not every one INCR. */
const INCR = "return redis.call('SET', KEYS[1], (tonumber(redis.call('GET', KEYS[1]) or '0') + 1))";

export interface Pace {
  readonly workers: number;
  /** Between the answer to a call and the next call of the same worker. */
  readonly pauseMs: number;
}

/**
 * A closed loop, as handlers of requests are one: so many workers, each with one call at a time, which calls again
 * a pause after its answer. A silent server therefore costs at most one whole budget for each worker.
 */
export const PACE: Pace = { workers: 4, pauseMs: 4 };

/** Callers that go on calling through every fault, each call with a key of its own. */
export class Callers {
  private attempts: Attempt[] = [];
  private readonly underWay = new Set<{ readonly startedMs: number }>();
  private going = true;
  private next = 0;
  private readonly run = randomUUID().slice(0, 8);
  private readonly workers: Promise<void>[];

  constructor(
    private readonly client: Incrementer,
    private readonly namespace: string,
    private readonly pace: Pace = PACE,
  ) {
    this.workers = Array.from({ length: pace.workers }, () => this.work());
  }

  /** What has ended since the last time. */
  take(): readonly Attempt[] {
    const taken = this.attempts;
    this.attempts = [];
    return taken;
  }

  /** How long the oldest call without result or error has been waiting, milliseconds. */
  get longestWaitMs(): number {
    const [oldest] = this.underWay;
    return oldest ? performance.now() - oldest.startedMs : 0;
  }

  async stop(): Promise<readonly Attempt[]> {
    this.going = false;
    await Promise.all(this.workers);
    return this.take();
  }

  private async work(): Promise<void> {
    while (this.going) {
      const attempt = await this.attempt(`${this.namespace}:fault:${this.run}:${this.next++}`);
      this.attempts.push(attempt);
      await sleep(this.pace.pauseMs);
    }
  }

  private async attempt(key: string): Promise<Attempt> {
    const startedMs = performance.now();
    const call = { startedMs };
    this.underWay.add(call);
    try {
      await this.client.eval(INCR, 1, key);
      return { key, startedMs, ms: performance.now() - startedMs, outcome: 'ok' };
    } catch (error) {
      return { key, startedMs, ms: performance.now() - startedMs, ...told(error) };
    } finally {
      this.underWay.delete(call);
    }
  }
}

function told(error: unknown): Omit<Attempt, 'key' | 'startedMs' | 'ms'> {
  const text = `${inspect(error, { depth: 8, showHidden: true })} ${JSON.stringify(error)}`;
  const leaks = SECRETS.some((secret) => text.includes(secret)) ? { leaks: true as const } : {};
  if (!(error instanceof RedisUnavailableError)) return { outcome: 'foreign error', text, ...leaks };
  const { reason, maybeExecuted } = error;
  return { outcome: 'unavailable', reason, maybeExecuted, ...leaks };
}
