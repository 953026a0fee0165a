import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { boolean, integer, jsonb, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseStatementError, type Sql, violatedConstraint } from '../../src/database/index.js';
import { users } from '../../src/identity/identity.tables.js';
import type { SqlHouse } from '../support/sql-house.js';
import { openContractHouse } from './sql.rig.js';

const things = pgTable(
  'things',
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    flag: boolean(),
    facts: jsonb().$type<Record<string, unknown>>(),
    tags: text().array(),
    at: timestamp({ withTimezone: true, mode: 'date' }),
  },
  (table) => [uniqueIndex('things_name').on(table.name)],
);

let house: SqlHouse;
beforeAll(async () => {
  // Fifty callers take their turns on a machine that may be busy.
  house = await openContractHouse({ env: { DATABASE_WAIT_MS: '10000' } });
  await house.db.run((db) =>
    db.execute(sql`create table things (id int primary key, name text not null, flag boolean, facts jsonb,
      tags text[], at timestamptz, constraint things_name unique (name))`),
  );
});
afterAll(() => house.close());
beforeEach(() => house.db.run((db) => db.delete(things)));

const count = async () => (await house.db.run((db) => db.select().from(things))).length;
const failing = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );
const add = (db: Sql, id: number, name = `n${id}`) => db.insert(things).values({ id, name });

describe('values', () => {
  it('come back as they were written', async () => {
    const row = {
      id: 1,
      name: 'ünïcode 🚢 \'; drop table things; -- \\ "quoted"',
      flag: false,
      facts: { nested: { list: [1, 'two', null, true] }, __proto__x: 1 },
      tags: ['a', 'b,c', '', '"'],
      at: new Date('2026-02-03T04:05:06.789Z'),
    };
    await house.db.run((db) => db.insert(things).values(row));
    expect(await house.db.run((db) => db.select().from(things))).toEqual([row]);
  });

  it('may be null', async () => {
    await house.db.run((db) => add(db, 1));
    const nothing = { flag: null, facts: null, tags: null, at: null };
    expect(await house.db.run((db) => db.select().from(things))).toEqual([{ id: 1, name: 'n1', ...nothing }]);
  });

  it('read by a text of SQL have the same types on every engine', async () => {
    const { rows } = await house.db.run((db) =>
      db.execute(sql`select 9007199254740993::int8 as big, 1.50::numeric as amount, true as yes,
        '\\x00ff'::bytea as bytes, '{"a":1}'::jsonb as doc, 7::int4 as small, array[1,2] as list`),
    );
    expect(rows).toEqual([
      {
        big: '9007199254740993',
        amount: '1.50',
        yes: true,
        bytes: Buffer.from([0, 255]),
        doc: { a: 1 },
        small: 7,
        list: [1, 2],
      },
    ]);
  });

  it('say how many rows they changed', async () => {
    await house.db.run(async (db) => {
      await add(db, 1);
      await add(db, 2);
    });
    const changed = await house.db.run((db) => db.update(things).set({ flag: true }));
    expect(changed.rowCount).toBe(2);
    const none = await house.db.run((db) => db.delete(things).where(eq(things.id, 99)));
    expect(none.rowCount).toBe(0);
  });
});

describe('a transaction', () => {
  it('is kept as a whole', async () => {
    const result = await house.db.transaction(async (tx) => {
      await add(tx, 1);
      await add(tx, 2);
      return 'kept';
    });
    expect([result, await count()]).toEqual(['kept', 2]);
  });

  it('is undone as a whole when the work throws, and throws what the work threw', async () => {
    const own = new Error('changed my mind');
    const outcome = await failing(
      house.db.transaction(async (tx) => {
        await add(tx, 1);
        throw own;
      }),
    );
    expect(outcome).toBe(own);
    expect(await count()).toBe(0);
  });

  it('is not kept when a statement failed and the work went on as if nothing had happened', async () => {
    const outcome = await failing(
      house.db.transaction(async (tx) => {
        await add(tx, 1);
        await add(tx, 1).catch(() => undefined);
      }),
    );
    expect(outcome).toBeInstanceOf(DatabaseStatementError);
    expect(outcome).toMatchObject({ sqlState: '25P02' });
    expect(await count()).toBe(0);
  });

  it('goes on behind a savepoint that failed', async () => {
    await house.db.transaction(async (tx) => {
      await add(tx, 1);
      const inner = await failing(tx.transaction((deeper) => add(deeper, 1)));
      expect(violatedConstraint(inner)).toBe('things_pkey');
      await add(tx, 2);
    });
    expect(await count()).toBe(2);
  });

  it('may run its statements side by side', async () => {
    await house.db.transaction((tx) => Promise.all([1, 2, 3, 4].map((id) => add(tx, id))));
    expect(await count()).toBe(4);
  });

  it('is undone when one of several statements side by side failed', async () => {
    const outcome = await failing(
      house.db.transaction((tx) => Promise.all([1, 1, 2, 3].map((id) => add(tx, id)))),
    );
    expect(outcome).toMatchObject({ sqlState: '23505' });
    expect(await count()).toBe(0);
    // The connection is fit for others.
    await house.db.run((db) => add(db, 5));
    expect(await count()).toBe(1);
  });

  it('counts fifty increments from fifty callers as fifty', async () => {
    await house.db.run((db) => db.insert(things).values({ id: 1, name: '0' }));
    const seen = await Promise.all(
      Array.from({ length: 50 }, () =>
        house.db.transaction(async (tx) => {
          const [row] = await tx.select().from(things).where(eq(things.id, 1)).for('update');
          const next = Number(row?.name) + 1;
          await tx
            .update(things)
            .set({ name: String(next) })
            .where(eq(things.id, 1));
          return next;
        }),
      ),
    );
    expect(new Set(seen).size).toBe(50);
  });
});

describe('an error', () => {
  const SECRET = 'canary-4711';

  it.each([
    ['run', () => house.db.run((db) => add(db, 1, SECRET))],
    ['transaction', () => house.db.transaction((tx) => add(tx, 2, SECRET))],
  ])('names the constraint and neither statement nor value: %s', async (_name, again) => {
    await house.db.run((db) => add(db, 7, SECRET));
    const error = await failing(again());
    expect(error).toBeInstanceOf(DatabaseStatementError);
    expect(violatedConstraint(error)).toBe('things_name');
    const { message, stack, ...rest } = error as Error;
    const printed = `${message} ${stack} ${JSON.stringify(rest)} ${String((error as Error).cause)}`;
    expect(printed).not.toContain(SECRET);
    expect(printed).not.toContain('insert into');
  });

  it('is told apart inside a transaction, where the library gives it raw', async () => {
    await house.db.run((db) => add(db, 1, SECRET));
    await failing(
      house.db.transaction(async (tx) => {
        const inner = await failing(tx.insert(things).values({ id: 9, name: SECRET }));
        expect(violatedConstraint(inner)).toBe('things_name');
      }),
    );
  });

  it('is one of a statement for a value that the server cannot store', async () => {
    const nul = await failing(house.db.run((db) => add(db, 3, `nul ${SECRET} \0`)));
    expect(nul).toBeInstanceOf(DatabaseStatementError);
    expect(String(nul)).not.toContain(SECRET);
    const bad = await failing(house.db.run((db) => db.select().from(users).where(eq(users.id, SECRET))));
    expect(bad).toMatchObject({ sqlState: '22P02' });
    expect(String(bad)).not.toContain(SECRET);
  });

  it('is no constraint for anything else', () => {
    expect(violatedConstraint(new Error('x'))).toBeUndefined();
    expect(violatedConstraint(undefined)).toBeUndefined();
    expect(violatedConstraint('23505')).toBeUndefined();
  });
});

describe('a call', () => {
  it('cannot be prolonged by who keeps its SQL', async () => {
    let kept: Sql | undefined;
    await house.db.run(async (db) => {
      kept = db;
      await add(db, 1);
    });
    await expect(add(kept as Sql, 2)).rejects.toThrow('Failed query');
    expect(await count()).toBe(1);
  });

  it('that ended with a statement of its own still running gives a fit connection back', async () => {
    await house.db.run((db) => {
      void add(db, 1).catch(() => undefined);
      return Promise.resolve();
    });
    expect(await house.db.transaction((tx) => tx.select().from(things))).toBeDefined();
  });

  it('passes on what its work throws, also an error that looks like one of the network', async () => {
    const own = Object.assign(new Error('webhook'), { code: 'ECONNREFUSED' });
    expect(await failing(house.db.run(() => Promise.reject(own)))).toBe(own);
    expect(await failing(house.db.transaction(() => Promise.reject(own)))).toBe(own);
  });

  it('finds the tables of the application', async () => {
    const id = randomUUID();
    await house.db.run((db) => db.insert(users).values({ id, email: 'A@b.c', emailKey: 'a@b.c' }));
    const [row] = await house.db.run((db) => db.select().from(users).where(eq(users.id, id)));
    expect(row).toMatchObject({ id, email: 'A@b.c', tokenEpoch: 1, createdAt: expect.any(Date) as Date });
  });
});
