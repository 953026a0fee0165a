import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import type { AccessClaims } from './access-claims.js';
import { InvalidTokenError } from './access.errors.js';
import { ServiceTokens } from './service-tokens.js';
import { TOUCH_AFTER_MS } from './session-store.js';
import { type SessionCheck, Sessions } from './sessions.js';
import { TokenArrivals } from './token-arrivals.js';

type LiveSession = Extract<SessionCheck, { readonly live: true }>;

/** Whether what stands behind a token still holds: the session of a user, the record of a service account's token. */
@Injectable()
export class TokenLiveness {
  constructor(
    private readonly sessions: Sessions,
    private readonly services: ServiceTokens,
    private readonly arrivals: TokenArrivals,
    @Inject(CLOCK) private readonly clock: Clock,
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
    if (this.clock.nowMs() - session.lastSeenAtMs < TOUCH_AFTER_MS) return;
    // Beside the request: when it was last used must not cost it its answer. The next request tries again.
    this.sessions.touch(claims.userId, claims.sessionId).catch(() => undefined);
  }

  /**
   * @returns the session; undefined for a service account's token
   * @throws as `assertInUse`
   */
  async assertHolds(claims: AccessClaims): Promise<LiveSession | undefined> {
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
