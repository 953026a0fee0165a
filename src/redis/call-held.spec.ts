import type { Command } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, type CallHost } from './call.js';
import { LaneGate } from './lane-gate.js';
import { RedisCommandError, RedisUnavailableError } from './redis.errors.js';
import { WaitGroup } from './wait-group.js';

const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

/** Writes that were answered by the primary, and count only when a replica has them. */
describe('A call that waits for replicas', () => {
  let gate: LaneGate;
  let group: WaitGroup;
  /** What the host was told, in order. */
  let told: string[];
  let host: CallHost;

  beforeEach(() => {
    gate = new LaneGate('billingEvents');
    gate.open();
    group = new WaitGroup(1);
    told = [];
    host = {
      purpose: 'billingEvents',
      gate,
      redirects: false,
      answered: () => told.push('answered'),
      settled: (_, outcome, refusal) => told.push(refusal ? `${outcome} (${refusal})` : outcome),
    };
  });

  function make(name = 'set', convert?: (value: unknown) => unknown) {
    const results: unknown[] = [];
    const command = {
      name,
      args: ['billing:a', 's3cret'],
      resolve(value: unknown) {
        try {
          results.push(convert ? convert(value) : value);
        } catch (error) {
          (command as unknown as Command).reject(error as Error);
        }
      },
      reject: (error: Error) => void results.push(error),
    } as unknown as Command;
    const call = new Call(host, command, 0, 100);
    call.group = group;
    return { command, results, call };
  }

  it('is held when the primary has answered, and still owed its answer', () => {
    const { command, results, call } = make();
    command.resolve('OK');
    expect(results).toEqual([]);
    expect(told).toEqual([]);
    expect(call).toMatchObject({ answered: false, settled: false });
  });

  it('gets the answer of the primary when enough replicas have the write', () => {
    const { command, results, call } = make();
    command.resolve('OK');
    group.answered(1);
    expect(results).toEqual(['OK']);
    expect(told).toEqual(['answered', 'ok']);
    expect(call).toMatchObject({ answered: true, settled: true });
  });

  it('gets the answers of all that were written in its turn, in their order', () => {
    const order: string[] = [];
    const calls = ['a', 'b', 'c'].map((name) => make('set', () => order.push(name)));
    for (const { command } of calls) command.resolve('OK');
    expect(order).toEqual([]);
    group.answered(2);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('may have been executed when too few replicas have it', () => {
    const { command, results } = make();
    command.resolve('OK');
    group.answered(0);
    expect(results).toHaveLength(1);
    expect(results[0]).toBeInstanceOf(RedisUnavailableError);
    expect(results[0]).toMatchObject({ purpose: 'billingEvents', reason: 'noreplicas', maybeExecuted: true });
    expect(told).toEqual(['answered', 'error (noreplicas)']);
  });

  it('may have been executed when the connection ends before the replicas are heard of', () => {
    const { command, results } = make();
    command.resolve('OK');
    group.lost('readonly');
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ reason: 'readonly', maybeExecuted: true });
    // The server refused nothing.
    expect(told).toEqual(['answered', 'error']);
  });

  it.each<[title: string, end: () => void]>([
    ['enough replicas have it', () => group.answered(1)],
    ['too few have it', () => group.answered(0)],
    ['the connection ends', () => group.lost('reset')],
  ])('is given up when its budget is spent while it is held, and told nothing more when %s', (_, end) => {
    const { command, results, call } = make();
    command.resolve('OK');
    call.expire();
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ reason: 'timeout', maybeExecuted: true });
    expect(call).toMatchObject({ answered: false, settled: true });
    end();
    expect(results).toHaveLength(1);
    expect(told).toEqual(['timeout', 'answered']);
    expect(call.answered).toBe(true);
  });

  it('is owed its answer until the replicas are heard of, also when it was given up before', () => {
    const { command, results, call } = make();
    call.expire();
    command.resolve('OK');
    expect(told).toEqual(['timeout']);
    group.answered(1);
    expect(told).toEqual(['timeout', 'answered']);
    expect(results).toHaveLength(1);
    expect(call.answered).toBe(true);
  });

  it.each<[title: string, error: Error, outcome: string]>([
    ['of a refused command', replyError('WRONGTYPE Operation against a key'), 'error'],
    ['of a refusing server', replyError('OOM command not allowed'), 'error (oom)'],
    ['of a lost connection', new Error('Connection is closed.'), 'error'],
  ])('is not held for an error %s, which needs no replica', (_, error, outcome) => {
    const { command, results } = make();
    command.reject(error);
    expect(results).toHaveLength(1);
    expect(told).toEqual(['answered', outcome]);
    group.answered(1);
    group.lost('reset');
    expect(results).toHaveLength(1);
    expect(told).toHaveLength(2);
  });

  it('is settled when the library cannot convert the answer that was held', () => {
    const { command, results } = make('hset', () => {
      throw new TypeError('odd');
    });
    command.resolve('odd');
    group.answered(1);
    expect(results).toHaveLength(1);
    expect(results[0]).toBeInstanceOf(RedisCommandError);
    expect(told).toEqual(['answered', 'error']);
  });

  it('gives the results of a transaction with our errors among them', () => {
    const { command, results } = make('exec');
    command.resolve(['OK', replyError('WRONGTYPE no')]);
    expect(results).toEqual([]);
    group.answered(1);
    const [items] = results as [unknown[]];
    expect(items[0]).toBe('OK');
    expect(items[1]).toBeInstanceOf(RedisCommandError);
  });
});
