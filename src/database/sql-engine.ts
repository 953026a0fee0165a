import type { QueryResult } from 'pg';

/** What the drizzle driver hands over: a text, or a text with a row mode and type parsers. */
export type SqlQuery = string | SqlQueryConfig;

export interface SqlQueryConfig {
  readonly text: string;
  readonly name?: string | undefined;
  readonly rowMode?: string | undefined;
  readonly types?: { getTypeParser(id: number, format?: 'text' | 'binary'): (value: string) => unknown };
}

/** One connection, lent to one call. */
export interface SqlConnection {
  query(query: SqlQuery, params: readonly unknown[]): Promise<QueryResult>;
  /** Gives it back for others; nothing is in flight and no transaction is open. */
  release(): void;
  /** Gives it back when nobody may trust it any more; what is in flight fails or is undone. */
  discard(): void;
}

/** Where statements go. */
export interface SqlEngine {
  /** Settles within its own deadline; the caller has made sure that there are connections left. */
  connect(): Promise<SqlConnection>;
  /** Open connections. */
  readonly open: number;
}
