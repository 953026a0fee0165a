import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import type { KeyedLimit, Spending } from '../../src/rate-limit/gcra.js';
import { RedisCommandError, type ScriptClient } from '../../src/redis/index.js';
import { VECTORS, limit } from './rate-limit.vectors.js';

/** A thing that counts, and a way to let time pass for it. */
export interface Rig {
  spend(limits: readonly KeyedLimit[]): Promise<Spending>;
  advance(seconds: number): void | Promise<void>;
  /** Time passes only by `advance`. */
  readonly exact: boolean;
}

/** What a real server may take between two steps; far less than a unit takes to come back. */
export const PATIENCE_SECONDS = 20;

export function runVectors(rig: () => Rig): void {
  it.each(Object.entries(VECTORS))('%s', async (_title, steps) => {
    const { exact, advance, spend: run } = rig();
    for (const step of steps) {
      if (step.afterSeconds) await advance(step.afterSeconds);
      const answer = await run(step.spend.map(([key, cost]) => limit(key, cost)));
      expect(answer.allowed).toBe(step.allowed);
      expect(answer.outcomes.map(({ remaining }) => remaining)).toEqual(step.remaining);
      const slack = exact ? 0 : PATIENCE_SECONDS;
      expectNear(
        answer.outcomes.map(({ waitUs }) => waitUs),
        step.waitSeconds,
        slack,
      );
      expectNear(
        answer.outcomes.map(({ resetUs }) => resetUs),
        step.resetSeconds,
        slack,
      );
    }
  });
}

/** `-1` and `0` are words, not durations: they must be hit exactly. */
function expectNear(actualUs: number[], seconds: readonly number[] | undefined, slack: number): void {
  for (const [at, expected] of (seconds ?? []).entries()) {
    const actual = actualUs[at] ?? NaN;
    const [longest, shortest] =
      expected <= 0 ? [expected, expected] : [expected * 1e6, (expected - slack) * 1e6];
    expect(actual).toBeLessThanOrEqual(longest);
    expect(actual).toBeGreaterThanOrEqual(shortest);
  }
}

/** Reproducible pseudo-random integers below `n` (a linear congruential generator). */
export function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** One to three limits over a handful of keys: fast and slow ones, sometimes the same key twice. */
export function randomLimits(roll: (n: number) => number): KeyedLimit[] {
  return Array.from({ length: 1 + roll(3) }, () => {
    const kind = roll(4);
    const intervalUs = [1, 999, 20_000, 86_400_000_007][kind] ?? 1;
    const burst = [5, 3, 50, 2][kind] ?? 1;
    return { key: `rl:g:random-${kind}`, intervalUs, burst, cost: 1 + roll(burst + (roll(9) === 0 ? 2 : 0)) };
  });
}

/** A bare client with the errors of a purpose client, by which a script knows that the server forgot it. */
export function scriptClient(redis: Redis): ScriptClient {
  const ours = (error: Error): never => {
    throw new RedisCommandError('rateLimit', 'evalsha', error.message.split(' ')[0] ?? '', error.message);
  };
  return {
    evalsha: (sha, count, ...args) => redis.evalsha(sha, count, ...args).catch(ours),
    eval: (text, count, ...args) => redis.eval(text, count, ...args).catch(ours),
  };
}
