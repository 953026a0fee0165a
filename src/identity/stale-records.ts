import { Injectable } from '@nestjs/common';
import { and, isNull, lt } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, forgetRows } from '../database/index.js';
import { invitations, securityEvents } from './identity.tables.js';

/** Rows of accounts that strangers can add to without end, and of which nobody asks for the old ones. */
@Injectable()
export class StaleRecords {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /**
   * Drops invitations that had expired before the moment, accepted or not.
   *
   * @param most so many at once
   * @returns how many
   */
  forgetInvitations(moment: Date, most: number): Promise<number> {
    const where = lt(invitations.expiresAt, moment);
    return forgetRows(this.db, { table: invitations, primaryKey: invitations.id, where }, most);
  }

  /** As `forgetInvitations`, for events of nobody, such as locks of addresses without an account. Those of users stay. */
  forgetNobodysEvents(moment: Date, most: number): Promise<number> {
    const where = and(isNull(securityEvents.userId), lt(securityEvents.createdAt, moment));
    return forgetRows(this.db, { table: securityEvents, primaryKey: securityEvents.id, where }, most);
  }
}
