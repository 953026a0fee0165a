import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { TOKEN_PATH, type TokenWish, claimsFor } from './signed-request.js';

/** A request for a token, ready to be sent. */
export interface ReadyRequest {
  readonly method: 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When it is signed, milliseconds since the epoch, and for how long it may be sent. */
export interface SigningTime {
  readonly nowMs: number;
  readonly lifeMs: number;
}

/**
 * Signs a request with the account's own key.
 *
 * @param origin scheme, host and port of the application
 * @param key Ed25519 private key
 */
export function signTokenRequest(
  origin: URL,
  wish: TokenWish,
  key: KeyObject,
  { nowMs, lifeMs }: SigningTime,
): ReadyRequest {
  const body = JSON.stringify(wish);
  const nonce = randomBytes(24).toString('base64url');
  const line = { method: 'POST', path: TOKEN_PATH, body };
  const message = Buffer.from(JSON.stringify(claimsFor(wish, line, { nowMs, lifeMs, nonce })));
  return {
    method: 'POST',
    url: new URL(TOKEN_PATH, origin).href,
    headers: {
      authorization: `Bearer ed25519:${sign(null, message, key).toString('base64url')}`,
      'x-vault-payload': message.toString('base64url'),
      'content-type': 'application/json',
    },
    body,
  };
}
