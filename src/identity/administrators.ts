import { Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../database/index.js';
import { administrators } from './identity.tables.js';
import { SecurityEvents } from './security-events.js';
import { isId, within } from './sql-scope.js';
import { Users } from './users.js';

/** Those who administer the installation itself. The first one is made on the command line. */
@Injectable()
export class Administrators {
  constructor(
    @InjectDatabase('identity') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly events: SecurityEvents,
  ) {}

  async has(userId: string, tx?: Sql): Promise<boolean> {
    if (!isId(userId)) return false;
    const rows = await within(this.db, tx, (sql) =>
      sql
        .select({ userId: administrators.userId })
        .from(administrators)
        .where(eq(administrators.userId, userId)),
    );
    return rows.length > 0;
  }

  /**
   * Kept as a security event as well.
   *
   * @param by id of the administrator who gives the rights, or a fixed word such as `command line`
   * @returns false where the user is one already
   */
  async grant(tx: Sql, userId: string, by: string): Promise<boolean> {
    const rows = await tx.insert(administrators).values({ userId }).onConflictDoNothing().returning();
    if (rows.length > 0) await this.events.record('administrator-granted', userId, { by }, tx);
    return rows.length > 0;
  }

  /**
   * Ends the sessions as well: an access token would keep its scopes for minutes.
   *
   * @param by as of `grant`
   * @returns the epoch that holds now; undefined where the user is none
   */
  async revoke(tx: Sql, userId: string, by: string): Promise<number | undefined> {
    if (!isId(userId)) return undefined;
    const rows = await tx.delete(administrators).where(eq(administrators.userId, userId)).returning();
    if (rows.length === 0) return undefined;
    await this.events.record('administrator-revoked', userId, { by }, tx);
    return await this.users.bumpEpoch(userId, tx);
  }
}
