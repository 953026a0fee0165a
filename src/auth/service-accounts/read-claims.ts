import type { SignedClaims } from './signed-request.js';

const NONCE = /^[\w-]{16,128}$/;
/** More than an account may have. */
const MOST_SCOPES = 32;

type Shape = Readonly<Record<keyof SignedClaims, (value: unknown) => boolean>>;

/** One rule per claim; a claim that is missing breaks its rule. */
const SHAPE: Shape = {
  iss: isText,
  sub: isText,
  aud: (value) => isText(value) || isTextList(value),
  account: isText,
  tenant_id: isText,
  scopes: isTextList,
  lifetime_minutes: Number.isSafeInteger,
  iat: isMoment,
  exp: isMoment,
  nonce: (value) => isText(value) && NONCE.test(value),
  method: isText,
  path: isText,
  body_sha256: isText,
};

/**
 * Claims as their signer wrote them; what they say is judged later.
 *
 * @param message UTF-8 text of a JSON object; further members are not looked at
 * @returns undefined for anything else, and where a claim is missing or has another shape
 */
export function readSignedClaims(message: Buffer): SignedClaims | undefined {
  const value = parse(message);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(SHAPE).map(([name, holds]) => {
    // An own member: nothing is taken from a prototype that the text brings along.
    const given: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    return holds(given) ? ([name, given] as const) : undefined;
  });
  if (!entries.every((entry) => entry !== undefined)) return undefined;
  return Object.fromEntries(entries) as unknown as SignedClaims;
}

function parse(message: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message));
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.length <= MOST_SCOPES && value.every(isText);
}

/** Seconds since the epoch, with a fraction or not (RFC 7519 §2), of a year that milliseconds can say. */
function isMoment(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < 1e11;
}
