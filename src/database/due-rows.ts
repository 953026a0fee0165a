import { type SQL, and, eq, inArray, isNull, lte, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Work, WorkSource } from '../queue/index.js';
import { DatabaseUnavailableError } from './database.errors.js';
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

export type RowOf<T extends DueTable> = T['$inferSelect'] & Work;

export interface DueRowsOptions<T extends DueTable> {
  readonly database: FeatureDatabase;
  readonly table: T;
  /** Which rows of the table, where several workers share it; undefined: all. */
  readonly only?: SQL | undefined;
  /** A row that is not settled within this is another's, milliseconds. */
  readonly leaseMs?: number | undefined;
  /** Columns to set when a row is sent or given up, such as a secret to forget. */
  readonly whenDone?: Partial<T['$inferInsert']> | undefined;
  /** Rows made longer ago are given up when they fail, milliseconds; only of tables with `createdAt`. */
  readonly maxAgeMs?: number | undefined;
}

const DEFAULT_LEASE_MS = 60_000;

/**
 * Rows of a table as work. All times are the server's, so that processes with different clocks agree on what is due. Each
 * change names the attempt that it belongs to: who was overtaken changes nothing.
 */
export class DueRows<T extends DueTable> implements WorkSource<RowOf<T>> {
  readonly leaseMs: number;
  private readonly database: FeatureDatabase;
  private readonly table: T;
  private readonly whenDone: Partial<T['$inferInsert']>;

  constructor(private readonly options: DueRowsOptions<T>) {
    const { database, table, leaseMs = DEFAULT_LEASE_MS, whenDone = {} } = options;
    this.database = database;
    this.table = table;
    this.leaseMs = leaseMs;
    this.whenDone = whenDone;
  }

  /** The engine that is embedded is not opened to look for rows that nobody can have written. */
  get isOpen(): boolean {
    return this.database.isOpen;
  }

  /** Takes the rows that are due longest; two that ask at the same time get different ones. */
  take(most: number): Promise<RowOf<T>[]> {
    const { table } = this;
    return this.database.transaction(async (tx) => {
      const rows = (await tx
        .select()
        .from(table as PgTable)
        .where(and(this.isUnsettled(), lte(table.dueAt, sql`now()`)))
        .orderBy(table.dueAt)
        .limit(most)
        .for('update', { skipLocked: true })) as unknown as RowOf<T>[];
      if (rows.length === 0) return [];
      const ids = rows.map(({ id }) => id);
      const next = { attempts: sql`${table.attempts} + 1`, dueAt: later(this.leaseMs) };
      await this.update(tx, next, inArray(table.id, ids));
      return rows.map((row) => ({ ...row, attempts: row.attempts + 1 }));
    });
  }

  done(row: RowOf<T>): Promise<boolean> {
    return this.change(row, { ...this.whenDone, sentAt: sql`now()`, lastReason: null });
  }

  retry(row: RowOf<T>, reason: string, afterMs: number): Promise<boolean> {
    return this.change(row, { lastReason: reason, dueAt: later(afterMs) });
  }

  giveUp(row: RowOf<T>, reason: string): Promise<boolean> {
    return this.change(row, { ...this.whenDone, failedAt: sql`now()`, lastReason: reason });
  }

  giveBack(row: RowOf<T>): Promise<boolean> {
    return this.change(row, { attempts: row.attempts - 1, dueAt: sql`now()` });
  }

  /** By the server's clock. */
  async isTooOld(row: RowOf<T>): Promise<boolean> {
    const { createdAt, id } = this.table;
    const { maxAgeMs } = this.options;
    if (createdAt === undefined || maxAgeMs === undefined) return false;
    const rows = await this.database.run((db) =>
      db
        .select({ id })
        .from(this.table as PgTable)
        .where(and(eq(id, row.id), lte(createdAt, later(-maxAgeMs)))),
    );
    return rows.length > 0;
  }

  isOutage(error: unknown): boolean {
    return error instanceof DatabaseUnavailableError;
  }

  /** The connections are the feature's. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async change(row: Work, values: Record<string, unknown>): Promise<boolean> {
    const { table } = this;
    const mine = and(eq(table.id, row.id), eq(table.attempts, row.attempts), this.isUnsettled());
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

  private isUnsettled(): SQL | undefined {
    return and(isNull(this.table.sentAt), isNull(this.table.failedAt), this.options.only);
  }
}

function later(ms: number): SQL {
  return sql`now() + ${`${ms} milliseconds`}::interval`;
}
