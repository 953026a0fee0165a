import { KeyRing } from '../../kernel/key-ring.js';
import { Secret } from '../../kernel/redact.js';
import type { RefreshToken } from './refresh-token.js';

const CONTEXT = 'refresh-successor';

/**
 * A successor is kept under a key that is derived from the token that was presented for it, and that is kept nowhere:
 * who presents that token again gets the very same successor, and who reads Redis and knows all our keys gets nothing.
 */
export function sealSuccessor(presented: RefreshToken, successor: RefreshToken): string {
  return keyOf(presented).seal(CONTEXT, successor.text);
}

/** @returns undefined for what was not sealed under this token */
export function openSuccessor(presented: RefreshToken, sealed: string): string | undefined {
  return keyOf(presented).open(CONTEXT, sealed);
}

function keyOf({ secret }: RefreshToken): KeyRing {
  return new KeyRing(new Secret(secret));
}
