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

/** Why nothing was built, or put in place. `changed`: what was built is not what was left there. */
export type Unbuilt = 'lock-lost' | 'changed';

const BUILT: Readonly<Record<number, 'built' | Unbuilt>> = { 1: 'built', 0: 'lock-lost', [-1]: 'changed' };

export const buildTenant = script('build-tenant', (reply): 'built' | Unbuilt => {
  const said = BUILT[reply as number];
  if (said === undefined) throw new TypeError('not a sign');
  return said;
});

/** What became of putting a stream in the place of another one. `behind`: first, what came meanwhile has to be built. */
export type Swap = { readonly before: number; readonly now: number } | Unbuilt | 'behind';

const UNSWAPPED: Readonly<Record<number, Unbuilt | 'behind'>> = {
  [-1]: 'lock-lost',
  [-2]: 'behind',
  [-3]: 'changed',
};

export const swapTenant = script('swap-tenant', (reply): Swap => {
  const [before, now] = pair(reply);
  return UNSWAPPED[now] ?? { before, now };
});
