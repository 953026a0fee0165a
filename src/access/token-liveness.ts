import { Injectable } from '@nestjs/common';
import type { AccessClaims } from './access-claims.js';
import { InvalidTokenError } from './access.errors.js';
import { ServiceTokens } from './service-tokens.js';
import { type LiveSessionCheck, Sessions } from './sessions.js';
import { TokenArrivals } from './token-arrivals.js';

/** Whether what stands behind a token still holds: the session of a user, the record of a service account's token. */
@Injectable()
export class TokenLiveness {
  constructor(
    private readonly sessions: Sessions,
    private readonly services: ServiceTokens,
    private readonly arrivals: TokenArrivals,
  ) {}

  /**
   * For the request that shows the token: notes that its session is used, and that its refresh token has arrived.
   *
   * @throws InvalidTokenError where it does not hold; RedisUnavailableError, DatabaseUnavailableError
   */
  async assertInUse(claims: AccessClaims): Promise<void> {
    const session = await this.assertHolds(claims);
    if (!session) return;
    this.arrivals.note(session.familyId, claims.generation);
    this.sessions.noteUse(claims.userId, claims.sessionId, session);
  }

  /**
   * @returns the session; undefined for a service account's token
   * @throws as `assertInUse`
   */
  async assertHolds(claims: AccessClaims): Promise<LiveSessionCheck | undefined> {
    const { userId, sessionId, epoch, service } = claims;
    if (service) {
      await this.services.assert(claims);
      return undefined;
    }
    const check = await this.sessions.check(userId, sessionId, epoch);
    if (!check.live) throw new InvalidTokenError(check.reason);
    return check;
  }
}
