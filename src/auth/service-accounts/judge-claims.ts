import { StaleRequestError } from '../../security-tokens/index.js';
import { InvalidSignatureError } from './service-account.errors.js';
import { REQUEST_AUDIENCE, type SignedClaims, type TokenWish, bodyDigest } from './signed-request.js';

/** How far the clock of a signer may be ahead of ours. */
export const AHEAD_MS = 30_000;
/** How old a signed request may be, and for how long one may be signed. */
export const OLDEST_MS = 600_000;

/** The request as it arrived. */
export interface ArrivedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly rawBody: Buffer;
  readonly wish: TokenWish;
}

/** Milliseconds since the epoch. */
export interface SignedWindow {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** @throws StaleRequestError for a request that is too old, from the future, expired, or signed for too long */
export function judgeWindow({ iat, exp }: SignedClaims, nowMs: number): SignedWindow {
  const issuedAtMs = Math.round(iat * 1000);
  const expiresAtMs = Math.round(exp * 1000);
  const lifeMs = expiresAtMs - issuedAtMs;
  const fits = lifeMs > 0 && lifeMs <= OLDEST_MS;
  const ageMs = nowMs - issuedAtMs;
  if (!fits || ageMs < -AHEAD_MS || ageMs > OLDEST_MS || nowMs > expiresAtMs) throw new StaleRequestError();
  return { issuedAtMs, expiresAtMs };
}

/** @throws InvalidSignatureError where what was signed is not this request */
export function judgeClaims(claims: SignedClaims, { method, path, rawBody, wish }: ArrivedRequest): void {
  const { account, tenant_id, scopes, lifetime_minutes } = wish;
  const expected = [
    [claims.iss, account],
    [claims.sub, account],
    [claims.account, account],
    [claims.tenant_id, tenant_id],
    [claims.lifetime_minutes, lifetime_minutes],
    // In their order: a list that was written otherwise was not what was signed.
    [JSON.stringify(claims.scopes), JSON.stringify(scopes)],
    [claims.method, method],
    [claims.path, path],
    [claims.body_sha256, bodyDigest(rawBody)],
  ];
  const forUs = [claims.aud].flat().includes(REQUEST_AUDIENCE);
  if (!forUs || expected.some(([said, is]) => said !== is)) throw new InvalidSignatureError();
}
