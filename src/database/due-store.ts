import { type SQL, and, eq, inArray, isNull, lte, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { FeatureDatabase } from './feature-database.js';
import type { Sql } from './sql.js';

/** A table of things to do, each once. */
export type DueTable = PgTable & {
  readonly id: PgColumn;
  readonly attempts: PgColumn;
  /** Not before; moved on while somebody works on the row, so that another takes it over when that one is gone. */
  readonly dueAt: PgColumn;
  readonly lastReason: PgColumn;
  readonly sentAt: PgColumn;
  readonly failedAt: PgColumn;
  /** Where there is one, rows may also be given up by age. */
  readonly createdAt?: PgColumn;
};

export interface DueRow {
  readonly id: string;
  /** How often it was taken, this time included. Nobody else has the row with this number. */
  readonly attempts: number;
}

export type RowOf<T extends DueTable> = T['$inferSelect'] & DueRow;

/**
 * The SQL of a worker. All times are the server's, so that processes with different clocks agree on what is due. Each
 * change names the attempt that it belongs to: who was overtaken changes nothing.
 */
export class DueStore<T extends DueTable> {
  /** @param whenDone columns to set when a row is sent or given up, such as a secret to forget */
  constructor(
    private readonly database: FeatureDatabase,
    private readonly table: T,
    private readonly whenDone: Partial<T['$inferInsert']> = {},
  ) {}

  /** Takes the rows that are due longest, for `leaseMs`; two that ask at the same time get different ones. */
  take(most: number, leaseMs: number): Promise<RowOf<T>[]> {
    const { table } = this;
    return this.database.transaction(async (tx) => {
      const rows = (await tx
        .select()
        .from(table as PgTable)
        .where(and(this.isOpen(), lte(table.dueAt, sql`now()`)))
        .orderBy(table.dueAt)
        .limit(most)
        .for('update', { skipLocked: true })) as unknown as RowOf<T>[];
      if (rows.length === 0) return [];
      const ids = rows.map(({ id }) => id);
      const next = { attempts: sql`${table.attempts} + 1`, dueAt: later(leaseMs) };
      await this.update(tx, next, inArray(table.id, ids));
      return rows.map((row) => ({ ...row, attempts: row.attempts + 1 }));
    });
  }

  /** @returns whether the row was still this attempt's */
  sent(row: DueRow): Promise<boolean> {
    return this.change(row, { ...this.whenDone, sentAt: sql`now()`, lastReason: null });
  }

  retry(row: DueRow, reason: string, afterMs: number): Promise<boolean> {
    return this.change(row, { lastReason: reason, dueAt: later(afterMs) });
  }

  fail(row: DueRow, reason: string): Promise<boolean> {
    return this.change(row, { ...this.whenDone, failedAt: sql`now()`, lastReason: reason });
  }

  /** Undoes the taking of a row on which nothing was done. */
  giveBack(row: DueRow): Promise<boolean> {
    return this.change(row, { attempts: row.attempts - 1, dueAt: sql`now()` });
  }

  /** Whether the row was made longer ago than this, by the server's clock. */
  async isOlderThan(row: DueRow, ms: number): Promise<boolean> {
    const { createdAt, id } = this.table;
    if (createdAt === undefined) return false;
    const rows = await this.database.run((db) =>
      db
        .select({ id })
        .from(this.table as PgTable)
        .where(and(eq(id, row.id), lte(createdAt, later(-ms)))),
    );
    return rows.length > 0;
  }

  private async change(row: DueRow, values: Record<string, unknown>): Promise<boolean> {
    const { table } = this;
    const mine = and(eq(table.id, row.id), eq(table.attempts, row.attempts), this.isOpen());
    const changed = await this.database.run((db) => this.update(db, values, mine));
    return changed > 0;
  }

  private async update(db: Sql, values: Record<string, unknown>, where: SQL | undefined): Promise<number> {
    const changed = await db
      .update(this.table as PgTable)
      .set(values)
      .where(where);
    return changed.rowCount ?? 0;
  }

  private isOpen(): SQL | undefined {
    return and(isNull(this.table.sentAt), isNull(this.table.failedAt));
  }
}

function later(ms: number): SQL {
  return sql`now() + ${`${ms} milliseconds`}::interval`;
}
