import { Socket } from 'node:net';
import pg from 'pg';
import { DatabaseSettings } from './database.config.js';
import type { PostgresPlan } from './database-plan.js';
import { tlsOptions } from './database-tls.js';

export const APPLICATION_NAME = 'bulkhead';

/** A client whose socket can be cut: the library's own end waits for a server that may never answer. */
export class CuttableClient extends pg.Client {
  readonly #socket: Socket;

  constructor(config: pg.ClientConfig) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    this.#socket = socket;
    // A connection that is lost while nobody asks anything must not end the process; whoever asks next is told.
    this.on('error', () => undefined);
  }

  cut(): void {
    this.#socket.destroy();
  }
}

export interface ClientBounds {
  /** Of a statement, milliseconds; 0: none. */
  readonly statementMs: number;
  /** Of a transaction that asks nothing, milliseconds. */
  readonly idleInTransactionMs: number;
}

/**
 * Options for the client library. Everything that it would otherwise take from PG… variables of the environment, from
 * `~/.pgpass` or from its defaults is given.
 */
export function clientConfig(
  plan: PostgresPlan,
  settings: DatabaseSettings,
  bounds: ClientBounds,
): pg.ClientConfig & { sslnegotiation: 'postgres' } {
  const { host, port, database } = plan.target;
  return {
    host,
    port,
    database,
    user: plan.username,
    password: plan.password,
    ssl: tlsOptions(settings, plan.target) ?? false,
    sslnegotiation: 'postgres',
    application_name: APPLICATION_NAME,
    // Not empty, or PGOPTIONS would be asked.
    options: '-c client_min_messages=warning',
    connectionTimeoutMillis: settings.connectMs,
    statement_timeout: bounds.statementMs,
    idle_in_transaction_session_timeout: bounds.idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}
