import { LuaScript } from '../redis/index.js';

const script = <Reply>(name: string, decode: (reply: unknown) => Reply): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`./scripts/${name}.lua`, import.meta.url), decode });

const text = (reply: unknown): string => {
  if (typeof reply !== 'string') throw new TypeError('not a text');
  return reply;
};

const count = (reply: unknown): number => {
  if (typeof reply !== 'number' || !Number.isSafeInteger(reply) || reply < 0)
    throw new TypeError('not a count');
  return reply;
};

const momentMs = (reply: unknown): number => {
  if (!/^\d{13,15}$/.test(text(reply))) throw new TypeError('not a moment');
  return Number(reply);
};

const oneOf =
  <Word extends string>(words: readonly Word[]) =>
  (reply: unknown): Word => {
    const word = words.find((known) => known === reply);
    if (word === undefined) throw new TypeError('not one of the words');
    return word;
  };

const three = (reply: unknown): readonly [unknown, unknown, unknown] => {
  if (!Array.isArray(reply) || reply.length !== 3) throw new TypeError('not three');
  return reply as [unknown, unknown, unknown];
};

const claimOutcome = oneOf(['claimed', 'busy', 'unknown']);
const nonceOutcome = oneOf(['fresh', 'replayed', 'lost', 'stale']);

/** @returns end of the token's life, milliseconds since the epoch by the server's clock */
export const issueToken = script('issue-token', momentMs);

export const claimToken = script('claim-token', (reply) => {
  const [outcome, kept, leaseMs] = three(reply);
  return { outcome: claimOutcome(outcome), kept: text(kept), leaseMs: count(leaseMs) };
});

export const settleToken = script('settle-token', oneOf(['settled', 'gone', 'taken']));

export const useNonce = script('use-nonce', (reply) => {
  const [outcome, waitMs, moved] = three(reply);
  return { outcome: nonceOutcome(outcome), waitMs: count(waitMs), moved: count(moved) === 1 };
});
