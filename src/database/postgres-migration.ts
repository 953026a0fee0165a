import type pg from 'pg';
import type { Clock, Timer } from '../kernel/time.js';
import { CallLine } from './call-line.js';
import { type MigrationReport, migrate } from './migrations.js';
import { CuttableClient } from './postgres-client.js';
import type { SqlConnection } from './sql-engine.js';
import { SqlFailureError, failureOf, sqlStateOf } from './sql-failure.js';
import { DrizzleQueryError } from 'drizzle-orm';

/** A migration may take long, and so may waiting for that of another process. */
const MOST_MS = 3_600_000;
const ASK_EVERY_MS = 1000;

/** Migrates on a connection of its own without time-outs; that the server lives on is asked beside it. */
export class PostgresMigration {
  private client: CuttableClient | undefined;

  constructor(
    private readonly config: pg.ClientConfig,
    private readonly clock: Clock,
    private readonly folder?: string,
  ) {}

  /**
   * @param alive rejects when the server does not answer any more; the migration is given up then
   * @throws SqlFailureError
   */
  async run(alive: () => Promise<unknown>): Promise<MigrationReport> {
    const client = new CuttableClient(this.config);
    this.client = client;
    const watch = this.watch(alive, client);
    try {
      await client.connect();
      const endMs = this.clock.monotonicMs() + MOST_MS;
      const line = new CallLine(connectionOf(client), { clock: this.clock, statementMs: MOST_MS, endMs });
      return await (this.folder === undefined ? migrate(line) : migrate(line, this.folder));
    } catch (error) {
      throw refusal(error);
    } finally {
      watch.cancel();
      client.cut();
      this.client = undefined;
    }
  }

  cut(): void {
    this.client?.cut();
  }

  private watch(alive: () => Promise<unknown>, client: CuttableClient): Timer {
    let stopped = false;
    let timer: Timer | undefined;
    const ask = (): void => {
      timer = this.clock.after(ASK_EVERY_MS, () => {
        alive().then(
          () => stopped || ask(),
          () => client.cut(),
        );
      });
    };
    ask();
    return {
      cancel: () => {
        stopped = true;
        timer?.cancel();
      },
    };
  }
}

function connectionOf(client: CuttableClient): SqlConnection {
  return {
    query: (query, params) => client.query(query as pg.QueryConfig, [...params]),
    release: () => undefined,
    discard: () => client.cut(),
  };
}

/** A statement that the server refuses here is a matter of what the database is, not of an outage. */
function refusal(error: unknown): SqlFailureError {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  const failure = failureOf(cause, true);
  const state = sqlStateOf(cause);
  const known = failure?.hopeless === true || state === undefined || /^(08|53|55|57|58|25|40)/.test(state);
  if (failure !== undefined && known) return new SqlFailureError(failure);
  return new SqlFailureError({
    reason: 'other',
    detail: `a migration was refused (SQLSTATE ${state ?? 'none'}): nothing of it was kept`,
    suspect: 'migration',
    hopeless: true,
  });
}
