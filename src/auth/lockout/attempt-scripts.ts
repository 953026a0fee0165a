import { LuaScript } from '../../redis/index.js';

const OUTCOMES = ['counted', 'device', 'locked'] as const;

/** What reserve-attempt.lua says. Moments are milliseconds since the epoch. */
export interface AttemptReply {
  readonly outcome: (typeof OUTCOMES)[number];
  readonly failures: number;
  /** 0: no lock, or one without an end. */
  readonly lockEndsAtMs: number;
  readonly waitMs: number;
}

const whole = (text: unknown): number => {
  const number = Number(text);
  if (typeof text !== 'string' || !Number.isSafeInteger(number)) throw new TypeError('not a whole number');
  return number;
};

function decodeAttempt(reply: unknown): AttemptReply {
  const [said, failures, ends, wait] = Array.isArray(reply) ? (reply as unknown[]) : [];
  const outcome = OUTCOMES.find((one) => one === said);
  if (!outcome) throw new TypeError('not an outcome');
  return { outcome, failures: whole(failures), lockEndsAtMs: whole(ends), waitMs: whole(wait) };
}

const script = <Reply>(name: string, decode: (reply: unknown) => Reply): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`../scripts/${name}.lua`, import.meta.url), decode });

export const reserveAttempt = script('reserve-attempt', decodeAttempt);
/** @returns whether there was a record */
export const settleAttempt = script('settle-attempt', (reply) => reply === 1);
