import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { LuaScript, type ScriptClient } from './lua-script.js';
import { RedisCommandError, RedisUnavailableError } from './redis.errors.js';

// Any file does: it is read and hashed here, and run by nobody.
const file = new URL('./lua-script.ts', import.meta.url);
const text = readFileSync(file, 'utf8');
const sha = createHash('sha1').update(text).digest('hex');
const noScript = new RedisCommandError('rateLimit', 'evalsha', 'NOSCRIPT', 'No matching script');

describe('LuaScript', () => {
  let sent: unknown[][];
  let byDigest: () => Promise<unknown>;
  let byText: () => Promise<unknown>;
  const client: ScriptClient = {
    evalsha: (...call) => {
      sent.push(['evalsha', ...call]);
      return byDigest();
    },
    eval: (...call) => {
      sent.push(['eval', ...call]);
      return byText();
    },
    callBuffer: (command, ...call) => {
      sent.push([`buffer ${command}`, ...call]);
      return command === 'evalsha' ? byDigest() : byText();
    },
  };
  const script = new LuaScript({
    name: 'answer',
    file,
    decode: (reply) => {
      if (typeof reply !== 'number') throw new TypeError(`not ${String(reply)}`);
      return reply;
    },
  });
  const run = () => script.run(client, ['rl:a', 'rl:b'], [1, 'x']);

  beforeEach(() => {
    sent = [];
    byDigest = () => Promise.resolve(42);
    byText = () => Promise.resolve(43);
  });

  it('is sent by its digest with the number of its keys', async () => {
    await expect(run()).resolves.toBe(42);
    expect(sent).toEqual([['evalsha', sha, 2, 'rl:a', 'rl:b', 1, 'x']]);
    expect(script).toMatchObject({ name: 'answer', text, sha });
  });

  it('is sent as text once when the server does not know it', async () => {
    byDigest = () => Promise.reject(noScript);
    await expect(run()).resolves.toBe(43);
    expect(sent).toEqual([
      ['evalsha', sha, 2, 'rl:a', 'rl:b', 1, 'x'],
      ['eval', text, 2, 'rl:a', 'rl:b', 1, 'x'],
    ]);
  });

  it('is sent so that its reply comes as bytes, where it holds bytes', async () => {
    const binary = new LuaScript({ name: 'bytes', file, decode: String, binary: true });
    byDigest = () => Promise.reject(noScript);
    byText = () => Promise.resolve(Buffer.from('bytes'));
    await expect(binary.run(client, ['rl:a'], [1])).resolves.toBe('bytes');
    expect(sent).toEqual([
      ['buffer evalsha', sha, 1, 'rl:a', 1],
      ['buffer eval', text, 1, 'rl:a', 1],
    ]);
  });

  it('is not sent a third time when the text fails', async () => {
    byDigest = () => Promise.reject(noScript);
    byText = () => Promise.reject(noScript);
    await expect(run()).rejects.toBe(noScript);
    expect(sent).toHaveLength(2);
  });

  it.each([
    ['of the script', new RedisCommandError('rateLimit', 'evalsha', 'ERR', 'NOSCRIPT in a text')],
    [
      'of an unavailable server',
      new RedisUnavailableError({
        purpose: 'rateLimit',
        reason: 'timeout',
        retryAfterMs: 1,
        maybeExecuted: true,
      }),
    ],
    ['of any kind', new Error('NOSCRIPT')],
  ])('is not sent again after an error %s', async (_, error) => {
    byDigest = () => Promise.reject(error);
    await expect(run()).rejects.toBe(error);
    expect(sent).toHaveLength(1);
  });

  it.each(['evalsha', 'eval'])(
    'takes a reply of another shape to %s for a failure of the server',
    async (command) => {
      byDigest = () => (command === 'eval' ? Promise.reject(noScript) : Promise.resolve('s3cret'));
      byText = () => Promise.resolve('s3cret');
      const failure: unknown = await run().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RedisCommandError);
      expect(failure).toMatchObject({ command: 'answer', serverCode: 'REPLY' });
      expect(String(failure)).not.toContain('s3cret');
      expect(sent.map(([name]) => name)).toEqual(command === 'eval' ? ['evalsha', 'eval'] : ['evalsha']);
    },
  );

  it('names a file that is there when it is made, not when it is run', () => {
    const missing = new URL('./scripts/missing.lua', import.meta.url);
    expect(() => new LuaScript({ name: 'missing', file: missing, decode: Number })).toThrow('ENOENT');
  });
});
