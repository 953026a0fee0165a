import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import type { PgDatabase } from 'drizzle-orm/pg-core';

/**
 * What SQL is written with: drizzle over one connection, the same on PostgreSQL, on PGlite and inside a transaction.
 * `sql.transaction(…)` inside a transaction is a savepoint. It is good until the work that got it has ended.
 */
export type Sql = PgDatabase<NodePgQueryResultHKT, Record<string, never>>;
