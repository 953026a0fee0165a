import { LuaScript } from '../redis/index.js';

export interface Created {
  /** Of the mirror. Larger than the caller's: the session was not made. */
  readonly epoch: number;
  readonly createdAtMs: number;
  readonly endsAtMs: number;
  /** Sessions that were too many. */
  readonly overflow: readonly string[];
}

/** See the heads of the files for keys, arguments and replies. */
export const createSession = new LuaScript<Created>({
  name: 'create-session',
  file: new URL('./scripts/create-session.lua', import.meta.url),
  decode: (reply) => {
    if (!Array.isArray(reply) || !reply.every((item) => typeof item === 'string'))
      throw new TypeError('not a list of texts');
    const [epoch, created = 0, ends = 0] = reply.slice(0, 3).map(Number);
    if (!epoch) throw new TypeError('no epoch');
    return { epoch, createdAtMs: created, endsAtMs: ends, overflow: reply.slice(3) };
  },
});

export const touchSession = new LuaScript<boolean>({
  name: 'touch-session',
  file: new URL('./scripts/touch-session.lua', import.meta.url),
  decode: (reply) => {
    if (reply !== 0 && reply !== 1) throw new TypeError('neither 0 nor 1');
    return reply === 1;
  },
});
