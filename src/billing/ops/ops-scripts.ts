import { LuaScript } from '../../redis/index.js';

const script = <Reply>(name: string, decode: (reply: unknown) => Reply): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`./scripts/${name}.lua`, import.meta.url), decode });

const flag = (reply: unknown): boolean => {
  if (reply !== 0 && reply !== 1) throw new TypeError('not a flag');
  return reply === 1;
};

const pair = (reply: unknown): readonly [number, number] => {
  if (!Array.isArray(reply) || reply.length !== 2) throw new TypeError('not two of them');
  const [first, second] = reply as unknown[];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second)) throw new TypeError('not numbers');
  return [first as number, second as number];
};

/** What is in a lock. */
export interface HeldLock {
  readonly text: string;
  /** Without a renewal, milliseconds. */
  readonly livesMs: number;
}

export const takeLock = script('take-lock', (reply): HeldLock => {
  if (!Array.isArray(reply) || reply.length !== 2) throw new TypeError('not two of them');
  const [text, livesMs] = reply as unknown[];
  if (typeof text !== 'string' || typeof livesMs !== 'number') throw new TypeError('not a lock');
  return { text, livesMs };
});

export const renewLock = script('renew-lock', flag);
export const finishLock = script('finish-lock', flag);
export const releaseLock = script('release-lock', flag);
export const checkpoint = script('checkpoint', flag);

/** What became of putting a stream in the place of another one. */
export type Swap =
  | { readonly before: number; readonly now: number }
  /** Nothing was changed. */
  | { readonly tooMany: number }
  | 'lock-lost';

export const swapTenant = script('swap-tenant', (reply): Swap => {
  const [first, second] = pair(reply);
  if (second === -1) return 'lock-lost';
  return second === -2 ? { tooMany: first } : { before: first, now: second };
});
