import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RedisCommandError } from './redis.errors.js';

/** A text, a number as a text, or bytes. */
export type ScriptArgument = string | number | Buffer;

/** What a script runs by; any purpose client has it. */
export interface ScriptClient {
  evalsha(sha: string, numkeys: number, ...args: ScriptArgument[]): Promise<unknown>;
  eval(text: string, numkeys: number, ...args: ScriptArgument[]): Promise<unknown>;
  callBuffer(command: string, ...args: ScriptArgument[]): Promise<unknown>;
}

export interface LuaScriptOptions<Reply> {
  readonly name: string;
  /** `new URL('./scripts/name.lua', import.meta.url)` */
  readonly file: URL;
  readonly decode: (reply: unknown) => Reply;
  /** The reply holds bytes: texts in it are handed to `decode` as Buffers. */
  readonly binary?: boolean;
}

/**
 * A Lua file with a typed reply. What must be atomic is one such file. It is sent by its digest, and as
 * text once when the server does not know the digest yet: after a restart, a fail-over or SCRIPT FLUSH.
 */
export class LuaScript<Reply> {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
  private readonly decode: (reply: unknown) => Reply;
  private readonly binary: boolean;

  constructor({ name, file, decode, binary = false }: LuaScriptOptions<Reply>) {
    this.name = name;
    this.binary = binary;
    this.text = readFileSync(file, 'utf8');
    // Redis names scripts by SHA-1; it is an address here, not a protection.
    this.sha = createHash('sha1').update(this.text).digest('hex');
    this.decode = decode;
  }

  /** @throws RedisUnavailableError, RedisCommandError */
  async run(client: ScriptClient, keys: readonly string[], args: readonly ScriptArgument[]): Promise<Reply> {
    const { binary, sha, text } = this;
    const count = keys.length;
    try {
      return this.read(
        await (binary
          ? client.callBuffer('evalsha', sha, count, ...keys, ...args)
          : client.evalsha(sha, count, ...keys, ...args)),
      );
    } catch (error) {
      // NOSCRIPT is answered before anything ran, so sending the text is not a second execution.
      if (!(error instanceof RedisCommandError && error.serverCode === 'NOSCRIPT')) throw error;
      return this.read(
        await (binary
          ? client.callBuffer('eval', text, count, ...keys, ...args)
          : client.eval(text, count, ...keys, ...args)),
      );
    }
  }

  /** A reply of another shape is the server's failure, not a bug of the caller's. */
  private read(reply: unknown): Reply {
    try {
      return this.decode(reply);
    } catch {
      throw new RedisCommandError('script', this.name, 'REPLY', 'the server answered in another shape');
    }
  }
}
