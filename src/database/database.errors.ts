import { AppError } from '../kernel/errors.js';

/** Why SQL does not answer. Stable: alerts, logs and metrics use these words as labels. */
export const SQL_UNAVAILABLE_REASONS = [
  'refused',
  'timeout',
  'reset',
  'dns',
  'auth',
  'tls',
  // The server starts, stops or recovers; or this process has not opened it yet.
  'starting',
  'read-only',
  // Of the server, or all that the feature may have of them.
  'too-many-connections',
  'disk-full',
  'other',
] as const;
export type SqlUnavailableReason = (typeof SQL_UNAVAILABLE_REASONS)[number];

/** The name under which SQL stands beside the Redis purposes in answers, metrics and logs. */
export const SQL_PURPOSE = 'sql';

export interface DatabaseUnavailableFacts {
  readonly feature: string;
  readonly reason: SqlUnavailableReason;
  readonly retryAfterMs: number;
  /** Something of it may have been kept although no answer came, or was kept before it failed. */
  readonly maybeExecuted: boolean;
}

/** SQL cannot answer. Nothing is known about other compartments. */
export class DatabaseUnavailableError extends AppError {
  readonly code = 'DATABASE_UNAVAILABLE';
  readonly status = 503;
  readonly slug = 'compartment-unavailable';
  readonly title = 'A part of the service is unavailable';
  readonly purpose = SQL_PURPOSE;
  readonly feature: string;
  readonly reason: SqlUnavailableReason;
  override readonly retryAfterMs: number;
  readonly maybeExecuted: boolean;

  constructor(facts: DatabaseUnavailableFacts) {
    super(`The ${SQL_PURPOSE} compartment is unavailable (${facts.reason}).`);
    this.feature = facts.feature;
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
    this.maybeExecuted = facts.maybeExecuted;
  }

  override get extensions(): Record<string, unknown> {
    return { purpose: this.purpose, reason: this.reason };
  }
}

export interface StatementFacts {
  readonly feature: string;
  /** Five characters of the server, as in the table of PostgreSQL's error codes. */
  readonly sqlState: string;
  /** Name of the constraint that it broke. */
  readonly constraint?: string;
}

/**
 * The server refused a statement: a constraint, a value, a conflict with another transaction. Holds neither the
 * statement nor its values.
 *
 * Conflicts (`conflict`: 40001, 40P01) are not tried again here: only the caller knows whether its work may run twice.
 */
export class DatabaseStatementError extends AppError {
  readonly code = 'DATABASE_STATEMENT';
  readonly status = 500;
  readonly slug = 'internal-error';
  readonly title = 'Internal error';
  readonly feature: string;
  readonly sqlState: string;
  readonly constraint: string | undefined;

  constructor({ feature, sqlState, constraint }: StatementFacts) {
    const where = constraint === undefined ? '' : ` by ${constraint}`;
    super(`A statement of ${feature} was refused${where} (SQLSTATE ${sqlState}).`);
    this.feature = feature;
    this.sqlState = sqlState;
    this.constraint = constraint;
  }

  /** Another transaction was in the way; the same work may succeed when it is run again from its beginning. */
  get conflict(): boolean {
    return this.sqlState === '40001' || this.sqlState === '40P01';
  }
}
