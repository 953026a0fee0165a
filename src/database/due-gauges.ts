import { type SQL, and, count, isNull, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Clock } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import type { DueTable } from './due-rows.js';
import type { FeatureDatabase } from './feature-database.js';

export interface DueGaugesOptions {
  /** Label of the metrics, as of the worker. */
  readonly name: string;
  readonly database: FeatureDatabase;
  readonly table: DueTable;
  /** Which rows of the table; undefined: all. */
  readonly only?: SQL;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Several scrapers ask SQL no more often than one. */
const FRESH_MS = 5000;
/** A scrape waits no longer for SQL. */
const WAIT_MS = 500;
/** More are not counted: whoever has so many knows what is wrong. */
const MOST_COUNTED = 10_000;

/**
 * How much a worker has before it, and how long the oldest of it has waited since it was written down, whatever was tried
 * meanwhile. Read when metrics are; where SQL does not say the series are absent, since 0 would be a lie.
 */
export class DueGauges {
  private reading: Promise<void> | undefined;
  private readAtMs = -Infinity;

  constructor(private readonly options: DueGaugesOptions) {
    options.metrics.onScrape(() => this.refresh());
  }

  /** Settles within half a second, and never fails. */
  async refresh(): Promise<void> {
    const { clock, database } = this.options;
    // The engine that is embedded is not opened to count rows that nobody can have written.
    if (!database.isOpen) return this.clear();
    if (!this.reading && clock.monotonicMs() - this.readAtMs < FRESH_MS) return;
    const reading = (this.reading ??= this.read());
    let late = false;
    await new Promise<void>((resolve) => {
      const timer = clock.after(WAIT_MS, () => {
        late = true;
        resolve();
      });
      void reading.then(() => {
        timer.cancel();
        resolve();
      });
    });
    if (late) this.clear();
  }

  private async read(): Promise<void> {
    const { name: worker, metrics, clock } = this.options;
    try {
      const { pending, oldest } = await this.ask();
      metrics.dueRowsPending.set({ worker }, pending);
      metrics.dueRowsOldest.set({ worker }, oldest);
      this.readAtMs = clock.monotonicMs();
    } catch {
      // An outage is told by its compartment; what a statement did wrong, by the calls that failed (infra_sql_calls_total).
      this.clear();
    } finally {
      this.reading = undefined;
    }
  }

  private async ask(): Promise<{ readonly pending: number; readonly oldest: number }> {
    const { database, table, only } = this.options;
    const rows = await database.run((db) => {
      const some = db
        .select({ since: sql`${table.createdAt ?? table.dueAt}`.as('since') })
        .from(table as PgTable)
        .where(and(isNull(table.sentAt), isNull(table.failedAt), only))
        .orderBy(table.dueAt)
        .limit(MOST_COUNTED)
        .as('some');
      const oldest = sql<string | null>`extract(epoch from now() - min(${some.since}))`;
      return db.select({ pending: count(), oldest }).from(some);
    });
    const [row] = rows;
    return { pending: row?.pending ?? 0, oldest: Math.max(0, Number(row?.oldest ?? 0)) };
  }

  private clear(): void {
    const { name: worker, metrics } = this.options;
    this.readAtMs = -Infinity;
    metrics.dueRowsPending.remove({ worker });
    metrics.dueRowsOldest.remove({ worker });
  }
}
