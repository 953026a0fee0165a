import { freshDatabase } from '../support/postgres.js';
import { type SqlHouse, type SqlHouseOptions, openSqlHouse } from '../support/sql-house.js';

/** On the engine that this run of the contract is about: embedded, or a PostgreSQL database of its own. */
export async function openContractHouse(options: SqlHouseOptions = {}): Promise<SqlHouse> {
  const url = process.env['ENGINE'] === 'real' ? await freshDatabase() : undefined;
  return openSqlHouse({ ...options, url });
}
