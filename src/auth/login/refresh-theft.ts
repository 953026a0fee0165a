import { Injectable, Logger } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { SecurityEvents, type User, Users } from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { AuthEvents } from '../auth-events.js';
import { REFRESH_REUSED } from '../auth.mails.js';
import type { FamilyOwner } from '../refresh/rotation.js';

/** The security event and the mail to the owner: both, or neither. */
@Injectable()
export class TheftRecord {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly events: SecurityEvents,
    private readonly mails: MailOutbox,
  ) {}

  write({ id, email }: User, { sessionId: session, familyId: family }: FamilyOwner): Promise<void> {
    return this.db.transaction(async (tx) => {
      await this.events.record('refresh-reuse', id, { session, family }, tx);
      await this.mails.add(tx, { template: REFRESH_REUSED, to: email, values: {} });
    });
  }
}

/** What happens when two hold tokens of one login. */
@Injectable()
export class RefreshTheft {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly sessions: Sessions,
    private readonly users: Users,
    private readonly record: TheftRecord,
    private readonly events: AuthEvents,
  ) {}

  /**
   * Ends the session, whose family of refresh tokens is gone already; then tells the owner.
   *
   * @param first found just now, and not told yet
   * @throws RedisUnavailableError; the next use of either token finds it again
   */
  async found(owner: FamilyOwner & { readonly first: boolean }): Promise<void> {
    const { userId, sessionId, familyId } = owner;
    await this.sessions.revoke(userId, sessionId);
    this.events.note({ event: 'refresh', result: 'denied', reason: 'reused', userId, sessionId, familyId });
    if (!owner.first) return;
    try {
      const user = await this.users.byId(userId);
      if (user) await this.record.write(user, owner);
    } catch (error) {
      // The thief is out, which is what matters, and the line above says why.
      this.logger.error('The theft of a refresh token could not be written down', { user_id: userId, error });
    }
  }
}
