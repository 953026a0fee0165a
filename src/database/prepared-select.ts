import type { QueryResult } from 'pg';
import { asSql } from './migrations.js';
import type { SqlQuery } from './sql-engine.js';
import type { Sql } from './sql.js';

/** Where the statements of one call go. */
interface Line {
  query(query: SqlQuery, params?: readonly unknown[]): Promise<QueryResult>;
}

/** A SELECT as drizzle builds it; `sql.placeholder('name')` stands for what a call gives. */
interface Preparable<Row> {
  prepare(name: string): { execute(values: Record<string, unknown>): Promise<Row[]> };
}

/** One that is built. It serves one call at a time, since drizzle ties it to the client that it was built with. */
interface Copy<Row> {
  line: Line | undefined;
  readonly execute: (values: Record<string, unknown>) => Promise<Row[]>;
}

/**
 * A SELECT that is asked very often: its text is made once, where drizzle makes it anew for each call, and the server reads
 * and plans it once for each connection (docs/adr/0029-prepared-selects.md). For everything else `FeatureDatabase.run`.
 *
 * @example
 *   const byId = new PreparedSelect('user_by_id', (sql) => sql.select().from(users).where(eq(users.id, placeholder('id'))));
 *   const [row] = await db.select(byId, { id });
 */
export class PreparedSelect<Row> {
  /** Not more than there were calls at a time. */
  private readonly free: Copy<Row>[] = [];

  /** @param name of its own in the whole application: the server knows the statement by it */
  constructor(
    private readonly name: string,
    private readonly build: (sql: Sql) => Preparable<Row>,
  ) {}

  /** For `FeatureDatabase.select`. @param named false: the server is told the whole text each time and keeps nothing */
  async run(line: Line, values: Record<string, unknown>, named: boolean): Promise<Row[]> {
    const copy = this.free.pop() ?? this.copy(named);
    copy.line = line;
    try {
      return await copy.execute(values);
    } finally {
      copy.line = undefined;
      this.free.push(copy);
    }
  }

  private copy(named: boolean): Copy<Row> {
    const client: Line = {
      query: (query, params) => {
        if (!copy.line) throw new Error(`${this.name} was sent after its call had ended`);
        return copy.line.query(query, params);
      },
    };
    const statement = this.build(asSql(client)).prepare(named ? this.name : '');
    const copy: Copy<Row> = { line: undefined, execute: (values) => statement.execute(values) };
    return copy;
  }
}
