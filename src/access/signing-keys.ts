import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AccessSettings } from './access.config.js';
import { type PublicJwk, type SigningKey, parseSigningKeys } from './signing-key.js';

/** How long others may keep the JWKS, and so how long a new key is published before it signs. */
export const JWKS_MAX_AGE_SECONDS = 300;

export interface Jwks {
  /** JSON text of the JWK set: every public key of the ring, in its order. */
  readonly body: string;
  /** Strong entity tag, quoted. */
  readonly etag: string;
}

/**
 * The ring AUTH_SIGNING_KEYS, `newest,older`: the first signs, all verify, all are published.
 *
 * A key is replaced in three rollouts, each of which may be half done for as long as it likes, because in each of them
 * every instance knows every key that any instance signs with:
 *
 * 1. `old,new`: the new key stands second. It is published and verifies, and signs nothing yet. Whoever verifies by the
 *    JWKS has it when the rollout is done and JWKS_MAX_AGE_SECONDS have passed.
 * 2. `new,old`: the new key signs. Instances that still have `old,new` verify its tokens.
 * 3. `new`: when the last token under the old key has expired, AUTH_ACCESS_TOKEN_LIFE_MS after the second rollout.
 *
 * Put in front at once, a new key would sign tokens that the instances not yet replaced refuse.
 */
@Injectable()
export class SigningKeys {
  /** Signs. */
  readonly newest: SigningKey;
  /** Public as it is told to others. */
  readonly jwks: Jwks;
  private readonly byId: ReadonlyMap<string, SigningKey>;

  constructor({ signingKeys }: AccessSettings) {
    const keys = parseSigningKeys(signingKeys.reveal());
    this.newest = keys[0] as SigningKey;
    this.byId = new Map(keys.map((key) => [key.kid, key]));
    this.jwks = publish(keys.map(({ jwk }) => jwk));
  }

  /** @returns undefined for a key of another ring, or of none */
  find(kid: string): SigningKey | undefined {
    return this.byId.get(kid);
  }
}

function publish(keys: readonly PublicJwk[]): Jwks {
  const body = JSON.stringify({ keys });
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
