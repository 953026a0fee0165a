import { Injectable, Logger } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { SecurityEvents, Users } from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { AuthEvents } from '../auth-events.js';
import { REFRESH_REUSED } from '../auth.mails.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';
import type { FamilyOwner } from '../refresh/rotation.js';

/** The security event and the mail to the owner: both, or neither, and once for a family. */
@Injectable()
export class TheftRecord {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly events: SecurityEvents,
    private readonly mails: MailOutbox,
  ) {}

  /** @throws DatabaseUnavailableError; asking again is safe */
  write({ userId, sessionId: session, familyId: family }: FamilyOwner): Promise<void> {
    return this.db.transaction(async (tx) => {
      const user = await this.users.byId(userId, tx);
      if (!user || !(await this.events.recordOnce(tx, 'refresh-reuse', userId, { session, family }))) return;
      await this.mails.add(tx, { template: REFRESH_REUSED, to: user.email, values: {} });
    });
  }
}

/** What happens when two hold tokens of one login. */
@Injectable()
export class RefreshTheft {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly sessions: Sessions,
    private readonly families: RefreshFamilies,
    private readonly record: TheftRecord,
    private readonly events: AuthEvents,
  ) {}

  /**
   * Ends the session, whose family of refresh tokens is gone already; then tells the owner, who would not hear of it from
   * anybody else: where that fails, or the process ends, each further use of either token tries again.
   *
   * @throws RedisUnavailableError; the next use of either token finds it again
   */
  async found(owner: FamilyOwner & { readonly told: boolean }): Promise<void> {
    const { userId, sessionId, familyId } = owner;
    await this.sessions.revoke(userId, sessionId);
    this.events.note({ event: 'refresh', result: 'denied', reason: 'reused', userId, sessionId, familyId });
    if (owner.told) return;
    try {
      await this.record.write(owner);
    } catch (error) {
      // The thief is out, which is what matters, and the line above says why.
      this.logger.error('The theft of a refresh token could not be written down', { user_id: userId, error });
      return;
    }
    // It spares SQL the question next time; SQL knows that it was told.
    await this.families.tell(familyId).catch(() => undefined);
  }
}
