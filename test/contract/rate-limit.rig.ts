import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/time.js';
import { countLocally } from '../../src/rate-limit/counting/local-counting.js';
import { Meter } from '../../src/rate-limit/counting/meter.js';
import {
  type Cost,
  type LimitOutcome,
  OPERATION,
  type Operation,
} from '../../src/rate-limit/counting/outcome.js';
import { RedisCounter } from '../../src/rate-limit/counting/redis-counter.js';
import { type CompiledLimit, compileLimit } from '../../src/rate-limit/policies/compiled-limit.js';
import type { LimitRow } from '../../src/rate-limit/policies/policy.js';
import { RedisCommandError, type ScriptClient } from '../../src/redis/index.js';
import { SIZES, type Step, UNIT_SECONDS, VECTORS, WINDOW_SECONDS } from './rate-limit.vectors.js';

export const PREFIX = 'rl:{g}';
export const VERSION_KEY = `${PREFIX}:version`;

export interface Asked {
  readonly operation: Operation;
  readonly meters: readonly Meter[];
  readonly cost: Cost;
}

export interface Answer {
  readonly allowed: boolean;
  readonly outcomes: readonly LimitOutcome[];
}

/** A thing that counts, and a way to let time pass for it. */
export interface Rig {
  /** Asked within one turn, so of a batch where there are batches. */
  ask(questions: readonly Asked[]): Promise<readonly Answer[]>;
  advance(seconds: number): void | Promise<void>;
  /** Time passes only by `advance`. */
  readonly exact: boolean;
}

/** What a real server may take between two steps; far less than a unit takes to come back. */
export const PATIENCE_SECONDS = 20;

/** Whether each step waits for the one before, or all steps of one moment are asked in one turn. */
const RHYTHMS = { 'one by one': false, 'in one turn': true } as const;

/** Runs every vector on a rig of its own. */
export function runVectors(start: () => Rig): void {
  const cases = Object.keys(RHYTHMS).flatMap((rhythm) =>
    Object.entries(VECTORS).map(([title, steps]) => [title, rhythm, steps] as const),
  );
  it.each(cases)('%s (%s)', async (_title, rhythm, steps) => {
    const rig = start();
    const meters = meterTable();
    for (const moment of momentsOf(steps, RHYTHMS[rhythm as keyof typeof RHYTHMS])) {
      const seconds = moment[0]?.afterSeconds;
      if (seconds) await rig.advance(seconds);
      const answers = await rig.ask(
        moment.map(({ operation = 'spend', on, cost = 1 }) => ({
          operation: OPERATION[operation],
          meters: on.map(meters),
          cost,
        })),
      );
      expect(answers).toHaveLength(moment.length);
      moment.forEach((step, at) => expectStep(step, answers[at], rig.exact));
    }
  });
}

function momentsOf(steps: readonly Step[], together: boolean): Step[][] {
  const moments: Step[][] = [];
  for (const step of steps) {
    if (together && step.afterSeconds === undefined && moments.length > 0) moments.at(-1)?.push(step);
    else moments.push([step]);
  }
  return moments;
}

function expectStep(step: Step, answer: Answer | undefined, exact: boolean): void {
  const outcomes = answer?.outcomes ?? [];
  expect({ allowed: answer?.allowed, remaining: outcomes.map(({ remaining }) => remaining) }).toEqual({
    allowed: step.allowed ?? true,
    remaining: step.remaining,
  });
  const slack = exact ? 1e-5 : PATIENCE_SECONDS;
  expectNear(outcomes, 'waitUs', step.waitSeconds, slack);
  expectNear(outcomes, 'resetUs', step.resetSeconds, slack);
}

/** `-1` and `0` are words, not durations: they must be hit exactly. */
function expectNear(
  outcomes: readonly LimitOutcome[],
  which: 'waitUs' | 'resetUs',
  seconds: readonly number[] = [],
  slack: number,
): void {
  for (const [at, expected] of seconds.entries()) {
    const actual = outcomes[at]?.[which] ?? NaN;
    if (expected <= 0) expect(actual).toBe(expected);
    else {
      expect(actual).toBeLessThanOrEqual(expected * 1e6);
      expect(actual).toBeGreaterThanOrEqual((expected - slack) * 1e6);
    }
  }
}

/** The twin, in this process. */
export function twinRig(): Rig {
  let nowUs = 1_790_000_000_123_456;
  return {
    exact: true,
    ask: (questions) =>
      Promise.resolve(questions.map((asked) => countLocally({ ...asked, instances: 1, nowUs }))),
    advance: (seconds) => void (nowUs += seconds * 1e6),
  };
}

/** Questions to Redis, all in one turn. */
export function askRedis(counter: RedisCounter, questions: readonly Asked[]): Promise<readonly Answer[]> {
  return Promise.all(
    questions.map(
      (asked) =>
        new Promise<Answer>((resolve, reject) =>
          counter.ask({
            ...asked,
            answered: (allowed, outcomes) => resolve({ allowed, outcomes }),
            failed: reject,
          }),
        ),
    ),
  );
}

export interface Noticed {
  broken: number;
  version: number;
}

/** @param noticed is told what the answers say beside the answers */
export function counterOf(client: ScriptClient, noticed: Noticed = { broken: 0, version: 0 }): RedisCounter {
  return new RedisCounter({
    client,
    prefix: PREFIX,
    clock: systemClock,
    onBroken: (count) => void (noticed.broken += count),
    onVersion: (version) => void (noticed.version = version),
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
    callBuffer: (command, ...args) => redis.callBuffer(command, ...args).catch(ours),
  };
}

const limits = new Map<string, CompiledLimit>();

/** A limit that is named after what it is: `rate-ten`, `window-three`. */
export function limitOf(name: string): CompiledLimit {
  const known = limits.get(name);
  if (known) return known;
  const [kind, size = ''] = name.split('-');
  const quota = SIZES[size] ?? 1;
  const row: LimitRow =
    kind === 'window'
      ? { kind, per: 'user', quota, windowMs: Math.max(WINDOW_SECONDS * 1000, quota) }
      : { per: 'user', quota, burst: quota, windowMs: quota * UNIT_SECONDS * 1000 };
  const made = compileLimit(name, { limits: [row] }, row);
  limits.set(name, made);
  return made;
}

/** One meter for each key, as a table of subjects would have it. */
export function meterTable(): (key: string) => Meter {
  const meters = new Map<string, Meter>();
  return (key) => {
    const [name = '', subject = ''] = key.split(':');
    const known = meters.get(key) ?? meterOf(limitOf(name), subject);
    meters.set(key, known);
    return known;
  };
}

export function meterOf(limit: CompiledLimit, subject: string): Meter {
  return new Meter(limit, limit, subject.padEnd(16, '.').slice(0, 16));
}
