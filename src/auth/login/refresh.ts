import { Injectable } from '@nestjs/common';
import { ForbiddenError } from '../../access/index.js';
import { AuthEvents } from '../auth-events.js';
import { InvalidRefreshTokenError, TokenReuseError } from '../auth.errors.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';
import type { FamilyOwner } from '../refresh/rotation.js';
import { LiveSession } from './live-session.js';
import { RefreshTheft } from './refresh-theft.js';
import type { IssuedTokens } from './token-issuer.js';

/** From a refresh token to its successor and a new access token. */
@Injectable()
export class Refresh {
  constructor(
    private readonly families: RefreshFamilies,
    private readonly theft: RefreshTheft,
    private readonly session: LiveSession,
    private readonly events: AuthEvents,
  ) {}

  /**
   * Where no answer comes, or a 503 or 403: the same token again is right.
   *
   * @param presented whatever the client sent
   * @param tenantId undefined: the personal tenant
   * @throws InvalidRefreshTokenError, TokenReuseError (401), ForbiddenError (403) for a tenant of others,
   *   RedisUnavailableError, DatabaseUnavailableError (503)
   */
  async perform(presented: unknown, tenantId: string | undefined): Promise<IssuedTokens> {
    const rotation = await this.families.rotate(presented);
    if (rotation.kind === 'reused') {
      await this.theft.found(rotation);
      throw new TokenReuseError();
    }
    if (rotation.kind === 'unknown') throw this.refused('unknown');
    if (rotation.kind === 'expired') throw this.refused('expired', rotation);
    const access = await this.session.access(rotation, tenantId);
    if (access === 'no-member') throw new ForbiddenError('You are no member of this tenant.');
    if (access === 'ended') {
      await this.families.revoke(rotation.familyId);
      throw this.refused('ended', rotation);
    }
    const { kind: reason, userId, sessionId, familyId, token: refreshToken, idleEndsAtMs } = rotation;
    this.events.note({ event: 'refresh', result: 'ok', reason, userId, sessionId, familyId });
    return { ...access, userId, sessionId, familyId, refreshToken, refreshEndsAtMs: idleEndsAtMs };
  }

  private refused(reason: string, owner: Partial<FamilyOwner> = {}): InvalidRefreshTokenError {
    const { userId, sessionId, familyId } = owner;
    this.events.note({ event: 'refresh', result: 'refused', reason, userId, sessionId, familyId });
    return new InvalidRefreshTokenError();
  }
}
