import { readFileSync } from 'node:fs';
import { LuaWasmEngine } from 'lua-redis-wasm';
import type { ScriptClient } from '../../../src/redis/index.js';

const SCRIPT = readFileSync(new URL('../../../src/rate-limit/scripts/decide.lua', import.meta.url), 'utf8');

/** A key: the fields of a hash, or one value of another type. */
export interface HostKey {
  value: Map<string, Buffer> | Buffer;
  /** Microseconds of the host's clock; undefined: it stays for good. */
  expiresAtUs: number | undefined;
}

type Reply = ReturnType<LuaWasmEngine['evalWithArgs']>;
type Command = (key: string, args: readonly Buffer[]) => Reply;

/**
 * decide.lua alone: the script runs as Redis would run it, but its clock and its keys are in the hands of the test,
 * so that generations turn and clocks jump without waiting.
 */
export class ScriptHost {
  readonly keys = new Map<string, HostKey>();
  /** Microseconds since the epoch; whatever a test sets it to. */
  nowUs = 1_790_000_000_123_456;
  /** Commands of the last call. */
  readonly called: string[] = [];
  private lua: LuaWasmEngine | undefined;

  static async start(): Promise<ScriptHost> {
    const host = new ScriptHost();
    const call = ([name, key, ...args]: Buffer[]): Reply => host.serve(String(name), String(key), args);
    host.lua = await LuaWasmEngine.create({ host: { redisCall: call, redisPcall: call, log: () => {} } });
    return host;
  }

  /** Runs the script; an error of the script is thrown. */
  readonly client: ScriptClient = {
    evalsha: () => Promise.reject(new Error('decide.lua answers bytes')),
    eval: () => Promise.reject(new Error('decide.lua answers bytes')),
    callBuffer: (_command, _sha, count, ...rest) => {
      const texts = rest.map((text) => Buffer.from(String(text)));
      this.called.length = 0;
      const reply = this.lua?.evalWithArgs(SCRIPT, texts.slice(0, Number(count)), texts.slice(Number(count)));
      return Buffer.isBuffer(reply)
        ? Promise.resolve(reply)
        : Promise.reject(new Error(JSON.stringify(reply)));
    },
  };

  /** As Redis says it: milliseconds, rounded up; -1 without an end, -2 where nothing is. */
  pttl(key: string): number {
    const held = this.held(key);
    if (!held) return -2;
    return held.expiresAtUs === undefined ? -1 : Math.ceil((held.expiresAtUs - this.nowUs) / 1000);
  }

  /** The fields of a hash, none where nothing is. */
  fields(key: string): ReadonlyMap<string, Buffer> {
    const value = this.held(key)?.value;
    return value instanceof Map ? value : new Map<string, Buffer>();
  }

  private held(key: string): HostKey | undefined {
    const held = this.keys.get(key);
    if (held?.expiresAtUs === undefined || held.expiresAtUs > this.nowUs) return held;
    this.keys.delete(key);
    return undefined;
  }

  private serve(name: string, key: string, args: readonly Buffer[]): Reply {
    const command = this.commands[name];
    if (!command) return { err: Buffer.from(`ERR unknown command '${name}'`) };
    this.called.push(name);
    const held = this.held(key);
    const wanted = name === 'GET' ? Buffer : Map;
    if (held && !['SET', 'UNLINK', 'PEXPIRE'].includes(name) && !(held.value instanceof wanted))
      return {
        err: Buffer.from('Operation against a key holding the wrong kind of value'),
        code: Buffer.from('WRONGTYPE'),
      };
    return command(key, args);
  }

  private readonly commands: Readonly<Record<string, Command>> = {
    TIME: () => [Math.floor(this.nowUs / 1e6), this.nowUs % 1e6].map((n) => Buffer.from(String(n))),
    GET: (key) => (this.held(key)?.value as Buffer | undefined) ?? null,
    /** SET key value PX ms */
    SET: (key, [value = Buffer.alloc(0), , ms]) => {
      this.keys.set(key, { value, expiresAtUs: this.nowUs + Number(ms) * 1000 });
      return { ok: Buffer.from('OK') };
    },
    HMGET: (key, names) => names.map((name) => this.fields(key).get(String(name)) ?? null),
    HSET: (key, args) => {
      const held = this.held(key) ?? { value: new Map<string, Buffer>(), expiresAtUs: undefined };
      this.keys.set(key, held);
      for (let at = 0; at < args.length; at += 2)
        (held.value as Map<string, Buffer>).set(String(args[at]), args[at + 1] as Buffer);
      return args.length / 2;
    },
    HDEL: (key, names) =>
      names.filter((name) => (this.fields(key) as Map<string, Buffer>).delete(String(name))).length,
    UNLINK: (key) => Number(this.keys.delete(key)),
    PEXPIRE: (key, [ms]) => {
      const held = this.held(key);
      if (held) held.expiresAtUs = this.nowUs + Number(ms) * 1000;
      return held ? 1 : 0;
    },
  };
}
