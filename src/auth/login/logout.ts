import { Injectable } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';
import type { FamilyOwner } from '../refresh/rotation.js';

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
   * @param presented whatever a client sent; what is no refresh token of ours has nothing to end
   * @returns what has ended
   * @throws RedisUnavailableError; asking again is safe
   */
  async endByRefreshToken(presented: unknown): Promise<FamilyOwner | undefined> {
    const owner = await this.families.ownerOf(presented);
    if (!owner) return undefined;
    // The family last: it is what leads to the session, should this have to be asked for again.
    await this.sessions.revoke(owner.userId, owner.sessionId);
    await this.families.revoke(owner.familyId);
    return owner;
  }
}
