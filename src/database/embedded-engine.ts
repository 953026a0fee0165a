import type { PGlite } from '@electric-sql/pglite';
import type { QueryResult } from 'pg';
import pg from 'pg';
import type { SqlConnection, SqlEngine, SqlQuery } from './sql-engine.js';

/**
 * PostgreSQL inside this process: one connection, one call at a time, and every statement holds up the event loop
 * while it runs. Its rows are read by the parsers of the client library, so that a value looks as it does from a server.
 */
export class EmbeddedEngine implements SqlEngine {
  private turn: Promise<void> = Promise.resolve();

  private constructor(private readonly database: PGlite) {}

  /** @param folder undefined: in memory */
  static async open(folder: string | undefined): Promise<EmbeddedEngine> {
    // Loaded when somebody needs it: it takes a hundred megabytes and a second or two.
    const { PGlite } = await import('@electric-sql/pglite');
    return new EmbeddedEngine(await PGlite.create(folder === undefined ? {} : { dataDir: folder }));
  }

  get open(): number {
    return this.database.closed ? 0 : 1;
  }

  async connect(): Promise<SqlConnection> {
    const before = this.turn;
    let done = (): void => undefined;
    this.turn = new Promise((resolve) => (done = resolve));
    await before;
    let running: Promise<unknown> = Promise.resolve();
    let given = false;
    return {
      query: (query, params) => {
        const answer = this.ask(query, params);
        running = answer.catch(() => undefined);
        return answer;
      },
      release: () => {
        given = true;
        done();
      },
      discard: () => {
        // Once: by then it may be another's.
        if (given) return;
        given = true;
        // The one connection there is: undone instead of cut.
        void this.undo(running, done);
      },
    };
  }

  /** Waits for the call that is running. */
  async close(): Promise<void> {
    await this.turn;
    await this.database.close();
  }

  private async undo(running: Promise<unknown>, done: () => void): Promise<void> {
    await running;
    // Outside a transaction it is refused, or warned about.
    await this.database.query('rollback').catch(() => undefined);
    done();
  }

  private async ask(query: SqlQuery, params: readonly unknown[]): Promise<QueryResult> {
    const { text, rowMode, types } = typeof query === 'string' ? { text: query } : query;
    const result = await this.database.query(text, [...params], {
      ...(rowMode === 'array' ? { rowMode: 'array' as const } : {}),
      parsers: parsersOf(types),
    });
    const { rows, fields, affectedRows = 0 } = result;
    const command = text.trimStart().split(/\s/, 1)[0]?.toUpperCase() ?? '';
    const rowCount = rows.length > 0 ? rows.length : affectedRows;
    return { rows, fields, rowCount, command, oid: 0 } as unknown as QueryResult;
  }
}

type Parsers = Record<number, (value: string) => unknown>;

const OIDS = Object.values(pg.types.builtins).filter((oid): oid is number => typeof oid === 'number');

/** The driver asks for a parser by type; the engine wants them all at once. */
function parsersOf(types: { getTypeParser(id: number, format?: 'text'): unknown } = pg.types): Parsers {
  const known = remembered.get(types);
  if (known) return known;
  const parsers: Parsers = {};
  // Lists, by the type numbers for which the client library has parsers, dates and times among them.
  for (const oid of [...OIDS, ...ARRAY_OIDS])
    parsers[oid] = types.getTypeParser(oid, 'text') as Parsers[number];
  remembered.set(types, parsers);
  return parsers;
}

const remembered = new WeakMap<object, Parsers>();

const ARRAY_OIDS = [
  1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1183, 1185, 1187, 1231, 2951, 3807,
];
