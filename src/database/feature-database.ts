import type { PreparedSelect } from './prepared-select.js';
import type { Sql } from './sql.js';

/**
 * SQL for one feature, which has at most `connections` of them at a time, so that none can starve another.
 *
 * Every call settles within `DATABASE_CALL_MS`; a statement within `DATABASE_STATEMENT_MS`. Errors that `work` throws
 * itself come through as they are. Nothing is ever run twice: not after a lost connection, and not after a
 * serialisation failure or a deadlock, which arrive as DatabaseStatementError with `conflict`.
 *
 * @throws DatabaseUnavailableError when SQL cannot answer; `maybeExecuted` where something may have been kept
 * @throws DatabaseStatementError when the server refused a statement; no statement and no value is in it
 */
export abstract class FeatureDatabase {
  /** Runs on one connection; each statement is kept by itself. */
  abstract run<T>(work: (sql: Sql) => Promise<T>): Promise<T>;

  /** As `run`, with one statement that is built once. @param values for its placeholders */
  abstract select<Row>(statement: PreparedSelect<Row>, values: Record<string, unknown>): Promise<Row[]>;

  /**
   * BEGIN, the work, COMMIT; ROLLBACK when the work throws. A transaction in which a statement failed is never
   * committed, even if the work caught the error (a savepoint, `tx.transaction(…)`, contains one).
   */
  abstract transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;

  /** Whether a call would be let in without having to open anything first. */
  abstract get isOpen(): boolean;
}
