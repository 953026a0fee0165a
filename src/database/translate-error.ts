import { DrizzleQueryError } from 'drizzle-orm';
import { RolledBackError } from './call-line.js';
import { DatabaseStatementError, DatabaseUnavailableError } from './database.errors.js';
import { type SqlFailure, SqlFailureError, failureOf, sqlStateOf } from './sql-failure.js';

/** How long a client is asked to stay away, so that all of them do not come back in step. */
const RETRY_AFTER_MS = { least: 2000, most: 8000 };

export function retryAfterMs(random: () => number = Math.random): number {
  const { least, most } = RETRY_AFTER_MS;
  return Math.round(least + (most - least) * random());
}

export interface CallOutcome {
  readonly feature: string;
  /** Why the connection was of no use any more, if so. */
  readonly failure: SqlFailure | undefined;
  readonly maybeExecuted: boolean;
}

/**
 * What a caller may see of an error. The library's own carry statement and values, so only what is not about SQL
 * passes: what the work threw itself.
 */
export function translateError(error: unknown, { feature, failure, maybeExecuted }: CallOutcome): unknown {
  if (!(error instanceof DrizzleQueryError || error instanceof SqlFailureError)) return error;
  const cause = causeOf(error);
  const sqlState = sqlStateOf(cause);
  const unavailable = failureOf(cause) ?? (sqlState === undefined ? failure : undefined);
  if (unavailable !== undefined) {
    const { reason } = unavailable;
    return new DatabaseUnavailableError({ feature, reason, maybeExecuted, retryAfterMs: retryAfterMs() });
  }
  if (cause instanceof RolledBackError) return new DatabaseStatementError({ feature, sqlState: '25P02' });
  // Without a code: the library could not write a value, which its text may hold.
  return new DatabaseStatementError({ feature, sqlState: sqlState ?? 'XX000', ...constraintOf(cause) });
}

/** The name of the unique or foreign key, check or not-null rule that a statement broke; undefined for other errors. */
export function violatedConstraint(error: unknown): string | undefined {
  if (error instanceof DatabaseStatementError) return error.constraint;
  return constraintOf(causeOf(error)).constraint;
}

function constraintOf(error: unknown): { constraint?: string } {
  if (sqlStateOf(error)?.startsWith('23') !== true) return {};
  const constraint: unknown = Reflect.get(error as Error, 'constraint');
  return typeof constraint === 'string' ? { constraint } : {};
}

function causeOf(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}
