import { type SQL, inArray } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { FeatureDatabase } from './feature-database.js';

export interface Forgettable {
  readonly table: PgTable;
  /** Of one column. */
  readonly primaryKey: PgColumn;
  readonly where: SQL | undefined;
}

/**
 * Deletes rows that are of no use any more, in one statement. Rows that somebody is working on are left alone.
 *
 * @param most so many at once, so that no statement takes long
 * @returns how many
 */
export async function forgetRows(
  database: FeatureDatabase,
  { table, primaryKey, where }: Forgettable,
  most: number,
): Promise<number> {
  const gone = await database.run((db) => {
    const some = db
      .select({ key: primaryKey })
      .from(table)
      .where(where)
      .limit(most)
      .for('update', { skipLocked: true });
    return db.delete(table).where(inArray(primaryKey, some));
  });
  return gone.rowCount ?? 0;
}
