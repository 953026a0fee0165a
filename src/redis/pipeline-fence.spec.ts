import { inspect } from 'node:util';
import type { ChainableCommander, Command } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandGuard } from './command-guard.js';
import { fencePipeline } from './pipeline-fence.js';
import { PURPOSES } from './purposes.js';
import { RedisIsolationError, RedisUnavailableError } from './redis.errors.js';

const OWN = 'rl:a';
const FOREIGN = 'auth:a';
const DOWN = new RedisUnavailableError({
  purpose: 'rateLimit',
  reason: 'refused',
  retryAfterMs: 1000,
  maybeExecuted: false,
});

type Callback = (error: Error | null, results?: unknown) => void;

/** Queues and counts transactions as the library's pipeline does; sending gives what would have been sent. */
class FakePipeline {
  _transactions = 0;
  readonly queued: Command[] = [];
  readonly sent: string[] = [];
  readonly execArguments: unknown[][] = [];

  sendCommand(command: Command): this {
    this.queued.push(command);
    return this;
  }

  call(name: string, ...args: unknown[]): this {
    return this.sendCommand({ name, args, inTransaction: this._transactions > 0 } as unknown as Command);
  }

  multi(): this {
    this._transactions += 1;
    return this.call('multi');
  }

  exec(...args: unknown[]): this | Promise<string> {
    this.execArguments.push(args);
    if (this._transactions > 0) {
      this._transactions -= 1;
      return this.call('exec', ...args);
    }
    this.sent.push(...this.queued.map(({ name, args: rest }) => [name, ...rest].join(' ')));
    return Promise.resolve('sent');
  }
}

/** As the library's multi(): its MULTI is queued already, and its exec() queues EXEC and sends. */
function fakeMulti(): FakePipeline {
  const pipeline = new FakePipeline().multi();
  const queueOrSend = pipeline.exec.bind(pipeline);
  pipeline.exec = (...args) => {
    if (pipeline._transactions > 0) void queueOrSend();
    return queueOrSend(...args);
  };
  return pipeline;
}

describe('fencePipeline', () => {
  let usable: boolean;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  beforeEach(() => {
    usable = true;
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(() => process.off('unhandledRejection', note));

  function fence(pipeline = new FakePipeline(), oneSlot = false): FakePipeline {
    const host = {
      purpose: 'rateLimit',
      guard: new CommandGuard('rateLimit', PURPOSES.rateLimit, 'command', oneSlot),
      assertUsable: () => {
        if (!usable) throw DOWN;
      },
    };
    return fencePipeline(pipeline as unknown as ChainableCommander, host) as unknown as FakePipeline;
  }

  /** What `exec()` rejects with, having told its callback the same. */
  async function failureOf(pipeline: FakePipeline): Promise<unknown> {
    let heard: unknown;
    const callback: Callback = (error) => (heard = error);
    const answer = pipeline.exec(callback);
    expect(heard).toBeInstanceOf(Error);
    await expect(answer).rejects.toBe(heard);
    expect(pipeline.sent).toEqual([]);
    return heard;
  }

  it('sends what the guard lets through', async () => {
    const pipeline = fence().call('set', OWN, 1).call('get', OWN);
    await expect(pipeline.exec()).resolves.toBe('sent');
    expect(pipeline.sent).toEqual([`set ${OWN} 1`, `get ${OWN}`]);
  });

  it('hands the callback on, and nothing where there is none', () => {
    const callback: Callback = () => undefined;
    const pipeline = fence();
    void pipeline.exec(callback);
    expect(pipeline.execArguments).toEqual([[callback]]);
    const other = fence();
    void other.exec();
    expect(other.execArguments).toEqual([[]]);
  });

  it('throws where a refused command is queued, and sends nothing of the others', async () => {
    const pipeline = fence().call('set', OWN, 1);
    expect(() => pipeline.call('get', FOREIGN)).toThrow(RedisIsolationError);
    expect(pipeline.queued).toHaveLength(1);
    expect(await failureOf(pipeline)).toMatchObject({ command: 'get', purpose: 'rateLimit' });
  });

  it('throws the first refusal for every command behind it', () => {
    const pipeline = fence();
    expect(() => pipeline.call('flushall')).toThrow('FLUSHALL on rateLimit');
    expect(() => pipeline.call('get', OWN)).toThrow('FLUSHALL on rateLimit');
    expect(pipeline.queued).toEqual([]);
  });

  it('refuses a command whose name is no text, and so the whole pipeline', async () => {
    const pipeline = fence().call('set', OWN, 1);
    for (const name of [Buffer.from('multi'), undefined] as unknown as string[]) {
      expect(() => pipeline.call(name)).toThrow(RedisIsolationError);
    }
    expect(await failureOf(pipeline)).toMatchObject({ command: 'command' });
  });

  it('fails a whole multi() for one refused command', async () => {
    const pipeline = fence(fakeMulti());
    expect(() => pipeline.call('get', FOREIGN)).toThrow(RedisIsolationError);
    expect(await failureOf(pipeline)).toBeInstanceOf(RedisIsolationError);
  });

  it('sends nothing while the connection cannot be used', async () => {
    usable = false;
    expect(await failureOf(fence().call('get', OWN))).toBe(DOWN);
    expect(await failureOf(fence(fakeMulti()).call('get', OWN))).toBe(DOWN);
  });

  it('may be sent when the connection can be used again', async () => {
    usable = false;
    const pipeline = fence(fakeMulti()).call('get', OWN);
    await failureOf(pipeline);
    usable = true;
    await pipeline.exec();
    expect(pipeline.sent).toEqual(['multi', `get ${OWN}`, 'exec']);
  });

  it('leaves no unhandled rejection when nobody looks at a refused exec()', async () => {
    usable = false;
    void fence().exec();
    void fence(fakeMulti()).exec(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });

  it.each([
    ['a pipeline', () => new FakePipeline()],
    ['a multi()', fakeMulti],
  ])('refuses to send %s a second time', async (_, create) => {
    const pipeline = fence(create()).call('set', OWN, 1);
    await pipeline.exec();
    const sent = [...pipeline.sent];
    await expect(pipeline.exec()).rejects.toThrow('this pipeline has been sent already');
    expect(pipeline.sent).toEqual(sent);
  });

  it('sends an inline multi() with an EXEC that has no argument', async () => {
    const pipeline = fence().multi().call('set', OWN, 1).exec() as FakePipeline;
    await pipeline.call('get', OWN).exec();
    expect(pipeline.sent).toEqual(['multi', `set ${OWN} 1`, 'exec', `get ${OWN}`]);
    await expect(pipeline.exec()).rejects.toThrow('sent already');
  });

  it('may have two transactions in one pipeline', async () => {
    const first = fence().multi().call('set', OWN, 1).exec() as FakePipeline;
    const second = first.multi().call('set', OWN, 2).exec() as FakePipeline;
    await second.exec();
    expect(second.sent).toEqual(['multi', `set ${OWN} 1`, 'exec', 'multi', `set ${OWN} 2`, 'exec']);
  });

  it('gives the pipeline back where an inline multi() ends, also while nothing can be sent', async () => {
    usable = false;
    const pipeline = fence().multi().call('set', OWN, 1);
    const ended = pipeline.exec();
    expect(ended).toBe(pipeline);
    expect(await failureOf(pipeline)).toBe(DOWN);
  });

  it('refuses a MULTI without EXEC, which would leave the connection inside it', async () => {
    const failure = await failureOf(fence().call('MULTI').call('set', OWN, 1));
    expect(String(failure)).toContain('it has no EXEC');
  });

  it('refuses MULTI inside MULTI, and EXEC or DISCARD without one', () => {
    expect(() => fence(fakeMulti()).call('multi')).toThrow('state of a connection');
    expect(() => fence().call('exec')).toThrow('state of a connection');
    expect(() => fence().call('discard')).toThrow('state of a connection');
    expect(() => fence(fakeMulti()).call('watch', OWN)).toThrow('state of a connection');
  });

  it('sends a transaction that call() spells like one of multi()', async () => {
    const pipeline = fence().call('MULTI').call('set', OWN, 1).call('EXEC').call('get', OWN);
    await pipeline.exec();
    expect(pipeline.sent).toEqual(['MULTI', `set ${OWN} 1`, 'EXEC', `get ${OWN}`]);
    expect(pipeline.queued.map(({ inTransaction }) => inTransaction)).toEqual([true, true, false, false]);
  });

  it('in a cluster refuses a transaction over several slots where it is queued, and sends nothing around it', async () => {
    const pipeline = fence(new FakePipeline(), true)
      .call('set', 'rl:b', 1)
      .multi()
      .call('set', 'rl:{a}:1', 1);
    pipeline.call('get', 'rl:{a}:2');
    expect(() => pipeline.call('get', 'rl:b')).toThrow('different slots');
    expect(String(await failureOf(pipeline))).toContain('different slots');
  });

  it('in a cluster takes any slots around its transactions, and one of its own for each', async () => {
    const first = fence(new FakePipeline(), true).call('get', 'rl:a').multi().call('get', 'rl:b');
    const second = (first.exec() as FakePipeline).call('get', 'rl:c').multi().call('get', 'rl:d');
    await (second.exec() as FakePipeline).exec();
    expect(second.sent).toHaveLength(8);
  });

  it('shows its purpose when it is printed, and no argument', () => {
    const pipeline = fence().call('set', OWN, 's3cret');
    expect(inspect(pipeline)).toBe('Pipeline(rateLimit)');
    expect(`${pipeline as unknown as string}`).toBe('Pipeline(rateLimit)');
    expect(JSON.stringify({ pipeline })).toBe('{"pipeline":"Pipeline(rateLimit)"}');
  });
});
