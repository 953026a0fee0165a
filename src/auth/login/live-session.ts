import { Injectable } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { Grants } from '../../identity/index.js';
import { type AccessPart, TokenIssuer } from './token-issuer.js';

/** What an access token is asked for. */
export interface SessionPart {
  readonly userId: string;
  readonly sessionId: string;
  /** Of the refresh token that the client has, or is about to get; undefined: the first one of the login. */
  readonly generation?: number;
}

/** A further access token for a session that began before. */
@Injectable()
export class LiveSession {
  constructor(
    private readonly sessions: Sessions,
    private readonly grants: Grants,
    private readonly issuer: TokenIssuer,
  ) {}

  /**
   * @param tenantId undefined: the personal tenant
   * @returns `ended` where session or account have, `no-member` where the user is not in the tenant
   * @throws RedisUnavailableError, DatabaseUnavailableError
   */
  async access(
    { userId, sessionId, generation }: SessionPart,
    tenantId: string | undefined,
  ): Promise<AccessPart | 'ended' | 'no-member'> {
    const grant = await this.grants.find(userId, tenantId);
    if (!grant) return tenantId === undefined ? 'ended' : 'no-member';
    if (grant.user.disabled) return 'ended';
    const check = await this.sessions.check(userId, sessionId, grant.user.tokenEpoch);
    if (!check.live) return 'ended';
    // Whoever refreshes uses the session.
    this.sessions.noteUse(userId, sessionId, check);
    return this.issuer.access(grant, sessionId, generation);
  }
}
