import type { KeyRing } from './key-ring.js';

/** Keeps it apart from other uses of the same ring. */
const CONTEXT = 'mac';
/** HMAC-SHA-256 in base64url. */
const MAC_CHARS = 43;

/** `<body>.<mac>`: the MAC says that we wrote it, so that nobody is asked about what we did not. */
export function signText(ring: KeyRing, body: string): string {
  return `${body}.${ring.digest(CONTEXT, body)}`;
}

/**
 * A text has one spelling: whatever differs from what was handed out is not it.
 *
 * @param longest characters of a text that may be ours; a longer one is refused unread
 * @returns the body; undefined for whatever was not written with this ring
 */
export function readSignedText(ring: KeyRing, text: unknown, longest: number): string | undefined {
  if (typeof text !== 'string' || text.length > longest) return undefined;
  const end = text.length - MAC_CHARS - 1;
  if (end < 1 || text[end] !== '.') return undefined;
  const [body, mac] = [text.slice(0, end), text.slice(end + 1)];
  // The last character of a MAC has bits that decoding ignores, and decoding skips what is not in its alphabet.
  if (Buffer.from(mac, 'base64url').toString('base64url') !== mac) return undefined;
  return ring.matches(CONTEXT, body, mac) ? body : undefined;
}
