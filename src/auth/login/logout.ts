import { Injectable } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';

/** Ends a login: the session and its refresh tokens. */
@Injectable()
export class Logout {
  constructor(
    private readonly sessions: Sessions,
    private readonly families: RefreshFamilies,
  ) {}

  /** @returns whether there was such a session. @throws RedisUnavailableError; asking again is safe */
  async end(userId: string, sessionId: string): Promise<boolean> {
    const session = await this.sessions.get(userId, sessionId);
    // First what could begin anew.
    if (session) await this.families.revoke(session.familyId);
    return this.sessions.revoke(userId, sessionId);
  }

  /**
   * The access token beside it holds for the few minutes that it has left.
   *
   * @param presented whatever a client sent; what is no refresh token of ours has nothing to end
   * @returns what has ended
   */
  async endFamily(presented: unknown): Promise<string | undefined> {
    const familyId = this.families.familyOf(presented);
    if (familyId !== undefined) await this.families.revoke(familyId);
    return familyId;
  }
}
