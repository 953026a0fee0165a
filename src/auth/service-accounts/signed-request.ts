import { createHash } from 'node:crypto';

/** Where a service account asks for a token. */
export const TOKEN_PATH = '/v1/service-accounts/token';
/** For whom a signed request is; nothing that was signed for another service passes. */
export const REQUEST_AUDIENCE = 'auth-service';

/** What a service account asks for: the body of the request. */
export interface TokenWish {
  /** Name of the account. */
  readonly account: string;
  readonly tenant_id: string;
  readonly scopes: readonly string[];
  /** Whole minutes; the token holds no longer than AUTH_ACCESS_TOKEN_LIFE_MS whatever this says. */
  readonly lifetime_minutes: number;
}

/** What is signed: the wish, who wishes it, when, and the request that it is for. Moments are seconds since the epoch. */
export interface SignedClaims extends TokenWish {
  /** The account, as RFC 7523 has it. */
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly iat: number;
  readonly exp: number;
  /** Random, and new for each request; 16 to 128 letters, digits, `-` or `_`. */
  readonly nonce: string;
  readonly method: string;
  /** With the query, as the request line has it. */
  readonly path: string;
  /** SHA-256 of the body's bytes, base64url. */
  readonly body_sha256: string;
}

/** A request as it is about to be sent. */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** When a request is signed, and what makes it another one than the last. */
export interface RequestMoment {
  readonly nowMs: number;
  readonly lifeMs: number;
  readonly nonce: string;
}

/** The claims that a service account signs for one request. */
export function claimsFor(wish: TokenWish, line: RequestLine, moment: RequestMoment): SignedClaims {
  const { method, path, body } = line;
  const { nowMs, lifeMs, nonce } = moment;
  return {
    iss: wish.account,
    sub: wish.account,
    aud: [REQUEST_AUDIENCE],
    ...wish,
    nonce,
    // Milliseconds count: what is signed in the second of a loss of nonces is to be told from what was signed before it.
    iat: nowMs / 1000,
    exp: (nowMs + lifeMs) / 1000,
    method,
    path,
    body_sha256: bodyDigest(body),
  };
}

export function bodyDigest(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('base64url');
}
