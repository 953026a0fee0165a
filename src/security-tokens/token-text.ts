import type { KeyRing } from '../kernel/key-ring.js';

/** Of a token's authentication: keeps it apart from other uses of the ring. */
const CONTEXT = 'mac';

const BASE64URL = /^[\w-]+$/;
/** HMAC-SHA-256 in base64url. */
const MAC_CHARS = 43;

/**
 * The text of a token: `<prefix>.<body>.<mac>`. The MAC says that we made it, so that nobody is asked about anything
 * else. A text has one spelling: whatever differs from what was handed out is not the token.
 */
export function writeToken(ring: KeyRing, prefix: string, body: string): string {
  const signed = `${prefix}.${body}`;
  return `${signed}.${ring.digest(CONTEXT, signed)}`;
}

/** @returns the body; undefined for whatever is not a token with this prefix, made with this ring */
export function readToken(ring: KeyRing, prefix: string, token: unknown): string | undefined {
  // One that is longer was not made here, and takes no time to be refused.
  if (typeof token !== 'string' || token.length > LONGEST_TOKEN_CHARS) return undefined;
  const end = token.lastIndexOf('.');
  const [signed, mac] = [token.slice(0, end), token.slice(end + 1)];
  if (!signed.startsWith(`${prefix}.`) || !isCanonical(mac)) return undefined;
  return ring.matches(CONTEXT, signed, mac) ? signed.slice(prefix.length + 1) : undefined;
}

export const LONGEST_TOKEN_CHARS = 600;

/** The last character of a digest has bits that decoding ignores. */
function isCanonical(mac: string): boolean {
  return (
    mac.length === MAC_CHARS &&
    BASE64URL.test(mac) &&
    Buffer.from(mac, 'base64url').toString('base64url') === mac
  );
}
