import type { Batch } from '../redis/index.js';
import type { RequestRecord } from '../telemetry/index.js';
import { sessionKeys } from './session-keys.js';
import { type SessionValue, parseSession } from './session-value.js';

/** Sessions in one MGET: enough that the call's own price is little, few enough that Redis is never held up for long. */
const MOST_SESSIONS = 32;

/** What a request needs to know of its session. */
export interface LookedUp {
  /** Undefined: there is none. */
  readonly session: SessionValue | undefined;
  /** What mirrors the epoch of the user; null: nothing. */
  readonly mirror: string | null;
}

/** A session that is asked about. */
export interface LookUp {
  readonly userId: string;
  /** Of the session, and of the mirror of its user's epoch. */
  readonly keys: readonly [session: string, epoch: string];
  readonly askedMs: number;
  /** Of the request that it is asked for, if any. */
  readonly record: RequestRecord | undefined;
  readonly resolve: (found: LookedUp) => void;
  readonly reject: (error: unknown) => void;
}

/** @throws TypeError for a user's id that is no UUID */
export function keysOf(userId: string, sessionId: string): LookUp['keys'] {
  const { session, epoch } = sessionKeys(userId);
  return [session(sessionId), epoch];
}

/** Sessions that are asked about in one MGET, each key once. */
export class LookUpBatch implements Batch<LookUp> {
  readonly lookUps: LookUp[] = [];
  readonly keys: string[] = [];
  private readonly places = new Map<string, number>();

  /** @param ofOneUser in a cluster, where the keys of one user are on one node, and those of others on others */
  constructor(private readonly ofOneUser: boolean) {}

  get isFull(): boolean {
    return this.lookUps.length >= MOST_SESSIONS;
  }

  hasRoomFor({ userId }: LookUp): boolean {
    return !this.ofOneUser || this.lookUps.every((one) => one.userId === userId);
  }

  add(lookUp: LookUp): void {
    this.lookUps.push(lookUp);
    for (const key of lookUp.keys) if (!this.places.has(key)) this.places.set(key, this.keys.push(key) - 1);
  }

  /** @param texts in the order of the keys */
  answer(texts: readonly (string | null)[]): void {
    const textOf = (key: string) => texts[this.places.get(key) as number] ?? null;
    for (const { keys, resolve } of this.lookUps)
      resolve({ session: parseSession(textOf(keys[0])), mirror: textOf(keys[1]) });
  }
}
