import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisUnavailableError } from '../../../src/redis/index.js';

/** What became of one INCR of a key that no other call touches. */
export interface Attempt {
  readonly key: string;
  readonly ms: number;
  readonly outcome: 'ok' | 'unavailable' | 'foreign error';
  readonly reason?: string;
  readonly maybeExecuted?: boolean;
  readonly text?: string;
}

export interface Incrementer {
  eval(text: string, numkeys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** INCR as a script, since every purpose is granted scripts but not every one INCR. */
const INCR = "return redis.call('SET', KEYS[1], (tonumber(redis.call('GET', KEYS[1]) or '0') + 1))";

/** Callers that go on calling through a fault, a few at a time, each call with a key of its own. */
export class Callers {
  readonly attempts: Attempt[] = [];
  private going = true;
  private next = 0;
  /** Keys of an earlier cell must not count for this one. */
  private readonly run = randomUUID().slice(0, 8);
  private readonly workers: Promise<void>[];
  /** Calls that were made and have neither result nor error yet. */
  pending = 0;

  constructor(
    private readonly client: Incrementer,
    private readonly namespace: string,
    workers = 8,
    private readonly pauseMs = 4,
  ) {
    this.workers = Array.from({ length: workers }, () => this.work());
  }

  async stop(): Promise<readonly Attempt[]> {
    this.going = false;
    await Promise.all(this.workers);
    return this.attempts;
  }

  private async work(): Promise<void> {
    while (this.going) {
      this.attempts.push(await this.attempt(`${this.namespace}:fault:${this.run}:${this.next++}`));
      await sleep(this.pauseMs);
    }
  }

  private async attempt(key: string): Promise<Attempt> {
    const started = performance.now();
    this.pending += 1;
    try {
      await this.client.eval(INCR, 1, key);
      return { key, ms: performance.now() - started, outcome: 'ok' };
    } catch (error) {
      const ms = performance.now() - started;
      const text = `${inspect(error, { depth: 8, showHidden: true })} ${JSON.stringify(error)}`;
      if (!(error instanceof RedisUnavailableError)) return { key, ms, outcome: 'foreign error', text };
      const { reason, maybeExecuted } = error;
      return { key, ms, outcome: 'unavailable', reason, maybeExecuted, text };
    } finally {
      this.pending -= 1;
    }
  }
}
