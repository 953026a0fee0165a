import type { KeyRing } from '../kernel/key-ring.js';
import { readSignedText, signText } from '../kernel/signed-text.js';

export const LONGEST_TOKEN_CHARS = 600;

/** The text of a token: `<prefix>.<body>.<mac>`. */
export function writeToken(ring: KeyRing, prefix: string, body: string): string {
  return signText(ring, `${prefix}.${body}`);
}

/** @returns the body; undefined for whatever is not a token with this prefix, made with this ring */
export function readToken(ring: KeyRing, prefix: string, token: unknown): string | undefined {
  const signed = readSignedText(ring, token, LONGEST_TOKEN_CHARS);
  return signed?.startsWith(`${prefix}.`) ? signed.slice(prefix.length + 1) : undefined;
}
