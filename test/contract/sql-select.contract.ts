import { eq, sql } from 'drizzle-orm';
import { integer, pgTable, timestamp } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseStatementError, PreparedSelect } from '../../src/database/index.js';
import type { SqlHouse } from '../support/sql-house.js';
import { openContractHouse } from './sql.rig.js';

const numbers = pgTable('numbers', {
  id: integer().primaryKey(),
  half: integer().notNull(),
  at: timestamp({ withTimezone: true, mode: 'date' }),
});

describe.each([
  ['named', 'true'],
  ['without a name', 'false'],
])('a prepared select, %s', (_name, named) => {
  let house: SqlHouse;
  beforeAll(async () => {
    house = await openContractHouse({
      env: { DATABASE_WAIT_MS: '10000', DATABASE_PREPARED_STATEMENTS: named },
    });
    await house.db.run((db) =>
      db.execute(sql`create table numbers (id int primary key, half int not null, at timestamptz)`),
    );
    const rows = Array.from({ length: 100 }, (_, id) => ({ id, half: Math.floor(id / 2), at: new Date(id) }));
    await house.db.run((db) => db.insert(numbers).values(rows));
  });
  afterAll(() => house.close());

  const byHalf = new PreparedSelect('numbers_by_half', (db) =>
    db
      .select()
      .from(numbers)
      .where(eq(numbers.half, sql.placeholder('half')))
      .orderBy(numbers.id),
  );
  const quotients = new PreparedSelect('quotients', (db) =>
    db
      .select({ quotient: sql<number>`${numbers.id} / ${sql.placeholder('divisor')}::int` })
      .from(numbers)
      .where(eq(numbers.id, 42)),
  );

  it('gives each of two hundred callers the rows of its own values', async () => {
    const asked = Array.from({ length: 200 }, (_, n) => n % 50);
    const answers = await Promise.all(asked.map((half) => house.db.select(byHalf, { half })));
    const row = (id: number, half: number) => ({ id, half, at: new Date(id) });
    expect(answers).toEqual(asked.map((half) => [row(2 * half, half), row(2 * half + 1, half)]));
  });

  it('sees what was written since', async () => {
    await house.db.run((db) => db.insert(numbers).values({ id: 1000, half: 500 }));
    expect(await house.db.select(byHalf, { half: 500 })).toEqual([{ id: 1000, half: 500, at: null }]);
    await house.db.run((db) => db.delete(numbers).where(eq(numbers.id, 1000)));
    expect(await house.db.select(byHalf, { half: 500 })).toEqual([]);
  });

  it('goes on after values that the server refused', async () => {
    expect(await house.db.select(quotients, { divisor: 2 })).toEqual([{ quotient: 21 }]);
    await expect(house.db.select(quotients, { divisor: 0 })).rejects.toBeInstanceOf(DatabaseStatementError);
    expect(await house.db.select(quotients, { divisor: 3 })).toEqual([{ quotient: 14 }]);
  });
});
