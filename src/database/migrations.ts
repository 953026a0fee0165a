import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { CallLine } from './call-line.js';
import type { Sql } from './sql.js';

/** Beside this file, in the sources and in the build. Made by `npm run db:generate`. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('migrations', import.meta.url));

/** Any number that nobody else locks; all replicas of the application use the same. */
const LOCK = 4_208_561_937;

export interface MigrationReport {
  /** How many were applied by this call. */
  readonly applied: number;
  /** How many there are in all. */
  readonly known: number;
}

/**
 * Brings a database to the state of the migrations folder, in one transaction under an advisory lock: of many
 * processes that start at once one does it and the others wait and find it done. A database that is ahead, as after
 * a rollback of the application, is left as it is. Where nothing is to be done no right beyond reading is needed.
 *
 * @param line over a connection whose statements may take as long as a migration takes
 * @param folder of drizzle-kit
 * @throws what the server said; nothing was changed then
 */
export async function migrate(line: CallLine, folder = MIGRATIONS_FOLDER): Promise<MigrationReport> {
  const migrations = readMigrationFiles({ migrationsFolder: folder });
  const db = asSql(line);
  if ((await missing(db, migrations)).length === 0) return { applied: 0, known: migrations.length };
  const applied = await db.transaction(async (tx) => {
    // Held until the end of the transaction, so that it works behind a pooler of connections as well.
    await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(LOCK))})`);
    await tx.execute(sql`create schema if not exists drizzle`);
    await tx.execute(sql`create table if not exists drizzle.__drizzle_migrations (
      id serial primary key, hash text not null, created_at bigint)`);
    // Asked again: whoever held the lock before has done it.
    const open = await missing(tx, migrations);
    for (const migration of open) await apply(tx, migration);
    return open.length;
  });
  return { applied, known: migrations.length };
}

/** drizzle over the statements of one call. */
export function asSql(line: Pick<CallLine, 'query'>): Sql {
  // The driver calls nothing of its client but `query`.
  return drizzle({ client: line as never });
}

async function missing(db: Sql, migrations: readonly MigrationMeta[]): Promise<readonly MigrationMeta[]> {
  const { rows: tables } = await db.execute<{ known: boolean }>(
    sql`select to_regclass('drizzle.__drizzle_migrations') is not null as known`,
  );
  if (!tables[0]?.known) return migrations;
  const { rows } = await db.execute<{ last: string | null }>(
    sql`select max(created_at) as last from drizzle.__drizzle_migrations`,
  );
  const last = Number(rows[0]?.last ?? -1);
  return migrations.filter(({ folderMillis }) => folderMillis > last);
}

async function apply(tx: Sql, { sql: statements, hash, folderMillis }: MigrationMeta): Promise<void> {
  for (const statement of statements) await tx.execute(sql.raw(statement));
  await tx.execute(
    sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`,
  );
}
