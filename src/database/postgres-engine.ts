import type { QueryResult } from 'pg';
import pg from 'pg';
import { CuttableClient } from './postgres-client.js';
import type { SqlConnection, SqlEngine, SqlQuery } from './sql-engine.js';
import { SqlFailureError } from './sql-failure.js';

const IDLE_MS = 30_000;
/** A server behind a load balancer may change under a connection that lives on and on. */
const LIFETIME_SECONDS = 1800;

/** The pool of PostgreSQL connections. How many each feature may have of them is decided before anybody asks here. */
export class PostgresEngine implements SqlEngine {
  private readonly pool: pg.Pool;
  private generation = 0;
  private readonly generations = new WeakMap<object, number>();
  private readonly clients = new Set<CuttableClient>();
  private closing = false;

  constructor(config: pg.ClientConfig, most: number) {
    const { generations, clients } = this;
    const present = () => this.generation;
    class Client extends CuttableClient {
      constructor() {
        super(config);
        // Of its beginning: one that was begun before a renewal and is there after it is an old one.
        generations.set(this, present());
        clients.add(this);
        this.once('end', () => clients.delete(this));
      }
    }
    this.pool = new pg.Pool({
      ...config,
      Client,
      max: Math.max(1, most),
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_SECONDS,
      allowExitOnIdle: true,
    });
    // An idle connection that is lost is replaced when somebody needs it.
    this.pool.on('error', () => undefined);
  }

  get open(): number {
    return this.pool.totalCount;
  }

  async connect(): Promise<SqlConnection> {
    for (;;) {
      if (this.closing) throw closed();
      const client = await this.pool.connect();
      if (this.isPresent(client)) return this.lend(client);
      discard(client);
    }
  }

  /** What is open now serves nobody again: the server behind the address is another one, or has another role. */
  renew(): void {
    this.generation += 1;
  }

  /**
   * Says goodbye, then cuts what is still open.
   *
   * @param deadlineMs how long the goodbye may take
   */
  async close(deadlineMs: number): Promise<void> {
    this.closing = true;
    const ended = this.pool.end().catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
      timer.unref();
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    for (const client of this.clients) client.cut();
  }

  private isPresent(client: object): boolean {
    return this.generations.get(client) === this.generation;
  }

  private lend(client: pg.PoolClient): SqlConnection {
    let lent = true;
    let loss: Error | undefined;
    const lost = (error: Error) => (loss ??= error);
    client.on('error', lost);
    const back = (giveBack: () => void) => {
      if (!lent) return;
      lent = false;
      client.removeListener('error', lost);
      giveBack();
    };
    return {
      query: (query: SqlQuery, params: readonly unknown[]): Promise<QueryResult> =>
        client.query(query as pg.QueryConfig, [...params]).catch((error: unknown) => {
          // Why the connection was lost says more than that it is.
          throw loss ?? error;
        }),
      release: () => back(() => (this.isPresent(client) ? client.release(loss) : discard(client))),
      discard: () => back(() => discard(client)),
    };
  }
}

function discard(client: pg.PoolClient): void {
  if (client instanceof CuttableClient) client.cut();
  client.release(true);
}

function closed(): SqlFailureError {
  const detail = 'this process is shutting down';
  return new SqlFailureError({ reason: 'other', detail, suspect: 'server', hopeless: false });
}
