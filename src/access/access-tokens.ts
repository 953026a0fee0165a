import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type JWTHeaderParameters, errors, jwtVerify } from 'jose';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import { type AccessClaims, type AccessGrant, claimsOf, readClaims } from './access-claims.js';
import { AccessSettings } from './access.config.js';
import { InvalidTokenError } from './access.errors.js';
import { CompactSignature } from './compact-signature.js';
import { SigningKeys } from './signing-keys.js';
import { VerifiedTokens } from './verified-tokens.js';

const ALGORITHM = 'EdDSA';
/** RFC 9068: no other kind of token under the same keys passes for an access token. */
const TYPE = 'at+jwt';
/** Clocks of instances differ by this much at most. */
const TOLERANCE_SECONDS = 5;
/** Share of its life that a token may lack, so that tokens issued together do not end together. */
const LIFE_JITTER = 0.05;
/** Ours have about 600 characters; with forty long scopes 4500. */
export const LONGEST_TOKEN = 6144;

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface IssueOptions {
  /** A UUID; a new one when unset. */
  readonly jti?: string;
  /** It may hold shorter than AUTH_ACCESS_TOKEN_LIFE_MS, never longer. */
  readonly mostLifeMs?: number;
}

/**
 * Access tokens: JWTs (RFC 9068) signed by EdDSA. They say who somebody is; whether the session behind them still
 * lives is asked of `Sessions` on every request.
 */
@Injectable()
export class AccessTokens {
  private readonly verified = new VerifiedTokens();
  private readonly signature: CompactSignature;

  constructor(
    private readonly keys: SigningKeys,
    private readonly settings: AccessSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.signature = new CompactSignature(keys.newest, { alg: ALGORITHM, typ: TYPE });
  }

  /** @throws TypeError for a grant that no token could say: ids that are no UUIDs, misspelt scopes */
  async issue(
    grant: AccessGrant,
    { jti = randomUUID(), mostLifeMs = Infinity }: IssueOptions = {},
  ): Promise<IssuedToken> {
    const { issuer, audience, tokenLifeMs } = this.settings;
    const nowSeconds = Math.floor(this.clock.nowMs() / 1000);
    const lifeSeconds = Math.ceil(
      (Math.min(tokenLifeMs, mostLifeMs) / 1000) * (1 - LIFE_JITTER * Math.random()),
    );
    const times = { iat: nowSeconds, exp: nowSeconds + lifeSeconds };
    const token = this.signature.of({ ...claimsOf(grant), iss: issuer, aud: audience, ...times, jti });
    return { token, expiresInSeconds: lifeSeconds };
  }

  /** @throws InvalidTokenError for whatever is not a token of ours that holds now */
  async verify(token: string): Promise<AccessClaims> {
    // Before anything is decoded: what is longer was not issued here.
    if (token.length > LONGEST_TOKEN) throw new InvalidTokenError('malformed');
    const known = this.verified.find(token, this.clock.nowMs());
    if (known) return known;
    const claims = readClaims(await this.payloadOf(token));
    if (!claims) throw new InvalidTokenError('foreign');
    this.verified.add(token, claims);
    return claims;
  }

  private async payloadOf(token: string) {
    const { issuer, audience } = this.settings;
    try {
      const { payload } = await jwtVerify(token, (header) => this.keyOf(header), {
        algorithms: [ALGORITHM],
        issuer,
        audience,
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(this.clock.nowMs()),
        requiredClaims: ['exp', 'iat'],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new InvalidTokenError(reasonOf(error));
      throw error;
    }
  }

  /**
   * The key that the header names, if the header is one of ours to the letter: a member more (`jwk`, `jku`, `x5c`, `crit`,
   * `b64` …) could ask the library for something that we do not do.
   */
  private keyOf(header: JWTHeaderParameters) {
    const { alg, typ, kid } = header;
    const ours = alg === ALGORITHM && typ === TYPE && Object.keys(header).length === 3;
    const key = ours && typeof kid === 'string' ? this.keys.find(kid) : undefined;
    if (!key) throw new InvalidTokenError('foreign');
    return key.publicKey;
  }
}

function reasonOf(error: errors.JOSEError): 'expired' | 'foreign' | 'malformed' {
  if (error instanceof errors.JWTExpired) return 'expired';
  const malformed = error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid;
  return malformed ? 'malformed' : 'foreign';
}
