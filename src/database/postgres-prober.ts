import type { Clock } from '../kernel/time.js';
import { startDeadline } from '../kernel/deadline.js';
import { CuttableClient } from './postgres-client.js';
import type pg from 'pg';
import { type SqlFailure, SqlFailureError, failureOf } from './sql-failure.js';

export interface ServerFacts {
  readonly version: string;
  /** A standby, or set to take no writes. */
  readonly readOnly: boolean;
  readonly latencyMs: number;
}

const QUESTION = `select current_setting('server_version') as version,
  pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as read_only`;

const MUTE: SqlFailure = {
  reason: 'timeout',
  detail: 'the server does not answer',
  suspect: 'address',
  hopeless: false,
};

/** Asks the server on a connection of its own, beside those of the features: what they use up does not blind it. */
export class PostgresProber {
  private client: CuttableClient | undefined;

  constructor(
    private readonly config: pg.ClientConfig,
    private readonly clock: Clock,
    /** For a connection and for an answer, milliseconds each. */
    private readonly deadlineMs: number,
  ) {}

  get open(): number {
    return this.client === undefined ? 0 : 1;
  }

  /**
   * @param fresh on a new connection, as somebody would get who comes now
   * @throws SqlFailureError, or what the client library throws
   */
  async ask(fresh: boolean): Promise<ServerFacts> {
    if (fresh) this.drop();
    const { client } = this;
    if (client === undefined) return this.askAnew();
    try {
      return await this.askOn(client);
    } catch (error) {
      this.drop();
      // That an old connection was lost says nothing about the server; that it does not answer does.
      if (failureOf(error)?.reason !== 'reset') throw error;
      return this.askAnew();
    }
  }

  drop(): void {
    this.client?.cut();
    this.client = undefined;
  }

  private async askAnew(): Promise<ServerFacts> {
    const client = new CuttableClient(this.config);
    this.client = client;
    try {
      await this.within(client.connect());
      return await this.askOn(client);
    } catch (error) {
      client.cut();
      if (this.client === client) this.client = undefined;
      throw error;
    }
  }

  private async askOn(client: CuttableClient): Promise<ServerFacts> {
    const startMs = this.clock.monotonicMs();
    const { rows } = await this.within(client.query<{ version: string; read_only: boolean }>(QUESTION));
    const latencyMs = this.clock.monotonicMs() - startMs;
    return {
      version: rows[0]?.version ?? 'unknown',
      readOnly: rows[0]?.read_only ?? false,
      latencyMs,
    };
  }

  private within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = startDeadline(this.clock, this.deadlineMs, () => reject(new SqlFailureError(MUTE)));
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
