import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../../../database/index.js';
import { billingObjects } from '../../projector/billing-objects.tables.js';

/** Entries are applied many at a time and tried again for a while: the newest one says little of those just before it. */
const MARGIN_MS = 15 * 60_000;

/** How far SQL has come, as SQL itself says: what Redis knows of it may be from before SQL was restored. */
@Injectable()
export class AppliedUpTo {
  constructor(@InjectDatabase('billing') private readonly database: FeatureDatabase) {}

  /**
   * @param beforeMs what came into the log later does not count, milliseconds since the epoch
   * @returns a moment, milliseconds since the epoch, before which SQL has all of the log; 0 where it has nothing
   * @throws DatabaseUnavailableError
   */
  async moment(beforeMs: number): Promise<number> {
    const entryMs = sql`split_part(${billingObjects.entryId}, '-', 1)::numeric`;
    const newest = sql<string | null>`max(${entryMs})`;
    const counts = sql`${entryMs} <= ${Math.floor(beforeMs)}::numeric`;
    const [row] = await this.database.run((db) => db.select({ newest }).from(billingObjects).where(counts));
    const ms = Number(row?.newest ?? 0);
    return Number.isSafeInteger(ms) ? Math.max(0, ms - MARGIN_MS) : 0;
  }
}
