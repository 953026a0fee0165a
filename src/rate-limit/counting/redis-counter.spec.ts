import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { RedisCommandError, RedisUnavailableError, type ScriptClient } from '../../redis/index.js';
import { compileLimit } from '../policies/compiled-limit.js';
import { Meter } from './meter.js';
import { OPERATION } from './outcome.js';
import { RedisCounter, decodeNumbers } from './redis-counter.js';

const ROW = { per: 'user', quota: 10, windowMs: 10_000, burst: 10 } as const;
const LIMIT = compileLimit('p', { limits: [ROW] }, ROW);

function bytes(...numbers: number[]): Buffer {
  return Buffer.from(Float64Array.from(numbers).buffer);
}

/** A call that waits for its answer. */
interface Call {
  readonly command: string;
  readonly questions: number;
  answer(reply: unknown): Promise<void>;
  refuse(error: Error): Promise<void>;
}

/** In the place of a client: only how questions become calls is looked at here. */
function start(onAnswer: (name: string) => void = () => undefined, onVersion?: () => void) {
  const calls: Call[] = [];
  const clock = new ManualClock();
  const [versions, broken] = [[] as number[], [] as number[]];
  const unused = () => Promise.reject(new Error('not asked for bytes'));
  const client: ScriptClient = {
    evalsha: unused,
    eval: unused,
    callBuffer: (command, _script, keys, ...rest) =>
      new Promise((resolve, reject) => {
        const program = String(rest[Number(keys)]);
        calls.push({
          command,
          // An operation, a number of limits, and one limit of three bytes.
          questions: program.length / 5,
          answer: (reply) => {
            resolve(reply);
            return settled();
          },
          refuse: (error) => {
            reject(error);
            return settled();
          },
        });
      }),
  };
  const counter = new RedisCounter({
    client,
    prefix: 'rl:{g}',
    clock,
    onVersion: onVersion ?? ((version) => versions.push(version)),
    onBroken: (count) => broken.push(count),
  });
  const told: string[] = [];
  let asked = 0;
  const ask = (): void => {
    asked += 1;
    const name = String(asked);
    counter.ask({
      operation: OPERATION.spend,
      meters: [new Meter(LIMIT, LIMIT, name.padStart(16, '0'))],
      cost: 1,
      answered: (allowed, _outcomes, nowMs) => {
        onAnswer(name);
        told.push(`${name} ${allowed} at ${nowMs}`);
      },
      failed: (error, nowMs) => told.push(`${name} ${String(error)} at ${nowMs}`),
    });
  };
  const askAll = (count: number): void => {
    for (let at = 0; at < count; at += 1) ask();
  };
  return { calls, clock, versions, broken, told, askAll };
}

/** The end of this turn, before anything of the next one. */
const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const ok = (questions: number): Buffer => bytes(0, 0, ...Array.from({ length: questions }, () => 1000));

describe('The counter in Redis', () => {
  it('sends a lone question before the turn ends', async () => {
    const { calls, askAll } = start();
    askAll(1);
    expect(calls).toHaveLength(0);
    await endOfTurn();
    expect(calls.map(({ questions }) => questions)).toEqual([1]);
    expect(calls[0]?.command).toBe('evalsha');
  });

  it('sends what is asked within one turn as one call, and the next turn as another', async () => {
    const { calls, askAll } = start();
    askAll(20);
    await endOfTurn();
    askAll(3);
    await endOfTurn();
    expect(calls.map(({ questions }) => questions)).toEqual([20, 3]);
  });

  it('sends a full batch at once, and begins another call with the 33rd question', async () => {
    const { calls, askAll } = start();
    askAll(32);
    expect(calls.map(({ questions }) => questions)).toEqual([32]);
    askAll(1);
    expect(calls.map(({ questions }) => questions)).toEqual([32]);
    await endOfTurn();
    expect(calls.map(({ questions }) => questions)).toEqual([32, 1]);
    askAll(64);
    await endOfTurn();
    expect(calls.map(({ questions }) => questions)).toEqual([32, 1, 32, 32]);
  });

  it('does not wait for one call before it sends the next, and tells each question its own answer', async () => {
    const { calls, clock, told, askAll } = start();
    askAll(34);
    await endOfTurn();
    clock.advance(3);
    await calls[1]?.answer(bytes(0, 0, 1000, -1 - 10_000_000));
    expect(told).toEqual(['33 true at 3', '34 false at 3']);
    clock.advance(4);
    await calls[0]?.answer(ok(32));
    expect(told).toHaveLength(34);
    expect(told[2]).toBe('1 true at 7');
    expect(told[33]).toBe('32 true at 7');
  });

  it('fails the questions of a failing call only, and sends nothing twice', async () => {
    const { calls, told, askAll } = start();
    askAll(33);
    await endOfTurn();
    const away = { purpose: 'rateLimit', reason: 'timeout', retryAfterMs: 1, maybeExecuted: true } as const;
    await calls[0]?.refuse(new RedisUnavailableError(away));
    await calls[1]?.answer(ok(1));
    expect(told.slice(0, 32).every((line) => line.includes('unavailable (timeout)'))).toBe(true);
    expect(told.slice(32)).toEqual(['33 true at 0']);
    expect(calls).toHaveLength(2);
  });

  it('sends the text of a script that the server does not know, once', async () => {
    const { calls, told, askAll } = start();
    askAll(2);
    await endOfTurn();
    await calls[0]?.refuse(new RedisCommandError('rateLimit', 'evalsha', 'NOSCRIPT', 'No matching script.'));
    expect(calls.map(({ command, questions }) => [command, questions])).toEqual([
      ['evalsha', 2],
      ['eval', 2],
    ]);
    await calls[1]?.answer(ok(2));
    expect(told).toEqual(['1 true at 0', '2 true at 0']);
  });

  it.each([
    ['too short', ok(1)],
    ['too long', ok(3)],
    ['nothing', Buffer.alloc(0)],
    ['half a number', Buffer.concat([ok(2), Buffer.alloc(3)])],
    ['not a number', bytes(0, 0, 1000, NaN)],
    ['no whole number', bytes(0, 0, 1000, 0.5)],
    ['numbers instead of bytes', [0, 0, 1000, 1000]],
    ['a text', 'OK'],
    ['nil', null],
  ])('takes an answer that is %s for a failure of the server', async (_what, reply) => {
    const { calls, told, askAll } = start();
    askAll(2);
    await endOfTurn();
    await calls[0]?.answer(reply);
    expect(told).toHaveLength(2);
    for (const line of told) expect(line).toMatch(/^\d RedisCommandError: decide on script failed: /);
  });

  it('passes on what Redis says beside its answers', async () => {
    const { calls, versions, broken, askAll } = start();
    for (const head of [
      [7, 0],
      [8, 3],
    ]) {
      askAll(1);
      await endOfTurn();
      await calls.at(-1)?.answer(bytes(...head, 1000));
    }
    expect({ versions, broken }).toEqual({ versions: [7, 8], broken: [3] });
  });

  it('loses nobody else over a question that cannot bear its answer, and tells none twice', async () => {
    const { calls, told, askAll } = start((name) => {
      if (name === '2') throw new TypeError('a fault');
    });
    askAll(3);
    await endOfTurn();
    await calls[0]?.answer(ok(3));
    expect(told).toEqual(['1 true at 0', '2 TypeError: a fault at 0', '3 true at 0']);
  });

  it('answers whatever becomes of what Redis says beside its answers', async () => {
    const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const { calls, told, askAll } = start(undefined, () => {
      throw new TypeError('a fault');
    });
    askAll(2);
    await endOfTurn();
    await calls[0]?.answer(ok(2));
    expect(told).toEqual(['1 true at 0', '2 true at 0']);
    expect(error).toHaveBeenCalledTimes(1);
    error.mockRestore();
  });

  it('reads doubles wherever they lie in memory', () => {
    const numbers = [1, -2, 2 ** 53 - 1];
    for (let offset = 0; offset < 9; offset += 1) {
      const whole = Buffer.concat([Buffer.alloc(offset, 0xff), bytes(...numbers), Buffer.alloc(5)]);
      expect([...decodeNumbers(whole.subarray(offset, offset + 24))]).toEqual(numbers);
    }
  });
});
