import { inspect } from 'node:util';
import type { Command } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, type CallHost } from './call.js';
import { LaneGate } from './lane-gate.js';
import { RedisCommandError, RedisUnavailableError } from './redis.errors.js';

const SECRET = 's3cret-value';

interface CommandFacts {
  readonly name?: string;
  readonly args?: readonly unknown[];
  readonly inTransaction?: boolean;
  /** What the library does with a reply before the caller gets it. */
  readonly convert?: (value: unknown) => unknown;
}

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { args: [SECRET] } });
}

describe('Call', () => {
  let host: CallHost;
  let gate: LaneGate;
  /** What the host was told. */
  let told: string[];

  beforeEach(() => {
    gate = new LaneGate('rateLimit');
    gate.open();
    told = [];
    host = {
      purpose: 'rateLimit',
      gate,
      redirects: false,
      answered: () => told.push('answered'),
      settled: (_, outcome, refusal) => told.push(refusal ? `${outcome} (${refusal})` : outcome),
    };
  });

  function make({
    name = 'set',
    args = ['rl:a', SECRET],
    inTransaction = false,
    convert,
  }: CommandFacts = {}) {
    const results: unknown[] = [];
    const command = {
      name,
      args,
      inTransaction,
      // As in the library: a conversion that throws rejects the command from inside its resolve.
      resolve(value: unknown) {
        try {
          results.push(convert ? convert(value) : value);
        } catch (error) {
          (command as unknown as Command).reject(error as Error);
        }
      },
      reject: (error: Error) => void results.push(error),
    } as unknown as Command;
    return { command, results, call: new Call(host, command, 0, 100) };
  }

  /** The error that the caller gets for one of the library. */
  function errorFor(error: Error, facts?: CommandFacts): Error & { reason?: string } {
    const { command, results } = make(facts);
    command.reject(error);
    expect(results).toHaveLength(1);
    return results[0] as Error;
  }

  it('gives the caller the reply', () => {
    const { command, results, call } = make();
    command.resolve('OK');
    expect(results).toEqual(['OK']);
    expect(told).toEqual(['answered', 'ok']);
    expect(call).toMatchObject({ answered: true, settled: true });
  });

  it('gives the caller a time-out when its budget is spent, and drops the reply that comes later', () => {
    const { command, results, call } = make();
    call.expire();
    expect(results).toHaveLength(1);
    expect(results[0]).toBeInstanceOf(RedisUnavailableError);
    expect(results[0]).toMatchObject({ reason: 'timeout', maybeExecuted: true });
    expect(call).toMatchObject({ answered: false, settled: true });
    command.resolve('OK');
    expect(results).toHaveLength(1);
    expect(told).toEqual(['timeout', 'answered']);
    expect(call.answered).toBe(true);
  });

  it('drops an error that comes after the time-out', () => {
    const { command, results, call } = make();
    call.expire();
    command.reject(replyError('WRONGTYPE no'));
    expect(results).toHaveLength(1);
    expect(told).toEqual(['timeout', 'answered']);
  });

  it('settles the caller when the library cannot convert the reply', () => {
    const { command, results } = make({
      name: 'hgetall',
      convert: () => {
        throw new TypeError(`no pairs in ${SECRET}`);
      },
    });
    command.resolve('odd');
    expect(results).toHaveLength(1);
    expect(results[0]).toBeInstanceOf(RedisCommandError);
    expect(String(results[0])).not.toContain(SECRET);
    expect(told).toEqual(['answered', 'error']);
  });

  it.each(['resolve', 'reject', 'expire'] as const)('is settled once, whatever follows %s', (first) => {
    const { command, results, call } = make();
    const steps = {
      resolve: () => command.resolve('OK'),
      reject: () => command.reject(replyError('ERR no')),
      expire: () => call.expire(),
    };
    steps[first]();
    steps.reject();
    steps.resolve();
    steps.reject();
    expect(results).toHaveLength(1);
    expect(told.filter((what) => what !== 'answered')).toHaveLength(1);
  });

  it.each([
    ['READONLY You cannot write against a read only replica.', 'readonly'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'oom'],
    ['MISCONF Errors writing to the AOF file', 'misconf'],
    ['NOREPLICAS Not enough good replicas to write.', 'noreplicas'],
    ['LOADING Redis is loading the dataset in memory', 'loading'],
    ['BUSY Redis is busy running a script.', 'busy'],
    ['NOAUTH Authentication required.', 'auth'],
    ["NOPERM this user has no permissions to run the 'set' command", 'noperm'],
  ] as const)('takes %j for an unavailable server', (message, reason) => {
    const error = errorFor(replyError(message));
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error).toMatchObject({ purpose: 'rateLimit', reason, maybeExecuted: false, status: 503 });
    expect(told).toEqual(['answered', `error (${reason})`]);
  });

  it('says of a script without a right that it may have run in part', () => {
    const message = 'NOPERM No permissions to run a command script: abc, on @user_script:1.';
    expect(errorFor(replyError(message))).toMatchObject({ reason: 'noperm', maybeExecuted: true });
  });

  it.each([
    ['WRONGTYPE Operation against a key', 'WRONGTYPE'],
    ['NOSCRIPT No matching script', 'NOSCRIPT'],
    ['ERR value is not an integer', 'ERR'],
  ])('takes %j for a fault of the command, and reports no refusal', (message, serverCode) => {
    const error = errorFor(replyError(message));
    expect(error).toBeInstanceOf(RedisCommandError);
    expect(error).toMatchObject({ serverCode, command: 'set', purpose: 'rateLimit' });
    expect(error.message).toBe(`set on rateLimit failed: ${message}`);
    expect(told).toEqual(['answered', 'error']);
  });

  it.each(['Connection is closed.', 'Stream connection ended and command aborted.'])(
    'takes %j for a lost connection, which is no refusal',
    (message) => {
      gate.losing('protocol');
      const error = errorFor(new Error(message));
      expect(error).toBeInstanceOf(RedisUnavailableError);
      expect(error).toMatchObject({ reason: 'protocol', maybeExecuted: true });
      expect(told).toEqual(['answered', 'error']);
    },
  );

  it.each([
    ['in the text', `ERR bad value ${SECRET} for rl:secret-key`],
    ['behind the list of arguments', `ERR unknown command 'x', with args beginning with: 'rl:a' '${SECRET}'`],
    ['cut by the list of arguments', "ERR unknown command 'x', with args beginning with: 's3cret-"],
  ])('shows no argument %s', (_, message) => {
    const args = ['rl:secret-key', Buffer.from(SECRET), 5];
    const error = errorFor(replyError(message), { args });
    expect(error).toBeInstanceOf(RedisCommandError);
    expect(error.message).not.toMatch(/s3cret|secret-key/);
    expect(inspect(error)).not.toMatch(/s3cret|secret-key/);
  });

  it('shows a long or hostile text as one short line', () => {
    const error = errorFor(replyError(`ERR a\r\n\u001b[2J${'x'.repeat(1000)}`));
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(300);
  });

  describe('of a transaction', () => {
    const ABORT = 'EXECABORT Transaction discarded because of previous errors.';
    const OOM = 'OOM command not allowed';
    const queue = (message: string) => errorFor(replyError(message), { inTransaction: true });
    const abort = (message = ABORT) => errorFor(replyError(message), { name: 'exec', args: [] });

    it('is aborted for the reason of the command that was refused in it', () => {
      expect(queue(OOM).reason).toBe('oom');
      expect(abort()).toMatchObject({ reason: 'oom', maybeExecuted: false });
      expect(told).toEqual(['answered', 'error (oom)', 'answered', 'error (oom)']);
    });

    it('is aborted for the reason that EXEC itself gives', () => {
      expect(abort('EXECABORT Transaction discarded because of: READONLY You cannot write').reason).toBe(
        'readonly',
      );
    });

    it('is a fault of the command where the refused one was', () => {
      expect(queue('ERR wrong number of arguments')).toBeInstanceOf(RedisCommandError);
      expect(abort()).toMatchObject({ code: 'REDIS_COMMAND', serverCode: 'EXECABORT' });
      expect(told).toEqual(['answered', 'error', 'answered', 'error']);
    });

    it('does not give its reason to the next one', () => {
      queue(OOM);
      abort();
      expect(abort()).toBeInstanceOf(RedisCommandError);
    });

    it('does not take the reason of a command outside of it', () => {
      errorFor(replyError(OOM));
      expect(abort()).toBeInstanceOf(RedisCommandError);
    });

    it('does not take the reason of one whose connection was lost', () => {
      queue(OOM);
      errorFor(new Error('Connection is closed.'), { name: 'exec', args: [] });
      expect(abort()).toBeInstanceOf(RedisCommandError);
    });

    it('takes the reason of a command that had been given up when its answer came', () => {
      const { command, call } = make({ inTransaction: true });
      call.expire();
      command.reject(replyError(OOM));
      expect(abort().reason).toBe('oom');
    });

    it('does not take the reason of one whose EXEC had been given up when its answer came', () => {
      queue(OOM);
      const { command, call } = make({ name: 'exec', args: [] });
      call.expire();
      command.reject(replyError(ABORT));
      expect(abort()).toBeInstanceOf(RedisCommandError);
    });

    it.each(['exec', 'EXEC'])('gives our errors among the results of %s, and no refusal', (name) => {
      const { command, results } = make({ name, args: [] });
      command.resolve(['OK', replyError('WRONGTYPE no'), replyError('OOM no'), null]);
      const [items] = results as [unknown[]];
      expect(items).toHaveLength(4);
      expect(items[0]).toBe('OK');
      expect(items[1]).toBeInstanceOf(RedisCommandError);
      expect(items[2]).toBeInstanceOf(RedisUnavailableError);
      expect(items[2]).toMatchObject({ reason: 'oom' });
      expect(items[3]).toBeNull();
      expect(told).toEqual(['answered', 'ok']);
    });

    it('that was not run, because a watched key had changed, gives null', () => {
      const { command, results } = make({ name: 'exec', args: [] });
      command.resolve(null);
      expect(results).toEqual([null]);
    });
  });
});
