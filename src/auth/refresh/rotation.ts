import type { RefreshToken } from './refresh-token.js';
import { openSuccessor } from './sealed-successor.js';

/** Whom a family belongs to. */
export interface FamilyOwner {
  readonly familyId: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** A refresh token for the client, and how long it holds. Moments are milliseconds since the epoch. */
export interface IssuedRefreshToken extends FamilyOwner {
  readonly token: string;
  readonly generation: number;
  /** It ends then if it is not used. */
  readonly idleEndsAtMs: number;
  /** Every token of the family ends then. */
  readonly endsAtMs: number;
}

/**
 * What a presented refresh token turned out to be.
 *
 * - `rotated`: exchanged for its successor.
 * - `replayed`: exchanged before, and answered with the very same successor: a request beside it, or one whose answer
 *   was lost.
 * - `reused`: two hold tokens of this family. It is gone; the caller ends the session, each time, in case the one who
 *   found it could not. `told`: the owner knows (`RefreshFamilies.tell`).
 * - `expired`: unused for too long, or at the end of its life.
 * - `unknown`: not ours, or of a family that was revoked or lost.
 */
export type Rotation =
  | ({ readonly kind: 'rotated' } & IssuedRefreshToken)
  | ({ readonly kind: 'replayed' } & IssuedRefreshToken)
  | ({ readonly kind: 'reused'; readonly told: boolean } & FamilyOwner)
  | ({ readonly kind: 'expired' } & FamilyOwner)
  | { readonly kind: 'unknown' };

/**
 * Reads the answer of rotate-family.lua.
 *
 * @throws TypeError for one of another shape
 */
export function readRotation(
  reply: readonly string[],
  presented: RefreshToken,
  successor: RefreshToken,
): Rotation {
  const [kind, userId = '', sessionId = '', ends, idle, , sealed = ''] = reply;
  const owner = { familyId: presented.familyId, userId, sessionId };
  switch (kind) {
    case 'unknown':
      return { kind };
    case 'expired':
      return { kind, ...owner };
    case 'reused':
      return { kind, ...owner, told: ends === '1' };
    case 'rotated': {
      const { text: token, generation } = successor;
      return { kind, ...owner, token, generation, idleEndsAtMs: momentOf(idle), endsAtMs: momentOf(ends) };
    }
    case 'replayed': {
      const token = openSuccessor(presented, sealed);
      // Sealed under a token with the same digest, so it is always readable; unless the value was damaged.
      if (token === undefined) return { kind: 'unknown' };
      const { generation } = successor;
      const times = { idleEndsAtMs: momentOf(idle), endsAtMs: momentOf(ends) };
      return { kind, ...owner, token, generation, ...times };
    }
    default:
      throw new TypeError('rotate-family.lua answered something else');
  }
}

export function momentOf(text: string | undefined): number {
  const moment = Number(text);
  if (text === undefined || !Number.isSafeInteger(moment))
    throw new TypeError('a moment is a whole number of ms');
  return moment;
}
