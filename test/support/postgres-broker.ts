import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { CallLine } from '../../src/database/call-line.js';
import { migrate } from '../../src/database/migrations.js';
import { systemClock } from '../../src/kernel/time.js';
import { removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { type PostgresServer, startPostgres } from './postgres-server.js';

const TEMPLATE = 'bulkhead_template';
const MIGRATION_MS = 60_000;

/**
 * One PostgreSQL for a whole run, in the process of the runner: test files run in processes of their own, which ask
 * here for a database each. The server starts when the first one asks, and what a file was given goes when it ends.
 */
export class PostgresBroker {
  readonly #dir = temporaryDirectory('postgres-broker');
  readonly path = join(this.#dir, 'socket');
  readonly #listener: Server = createServer((socket) => this.#serve(socket));
  #server: Promise<PostgresServer> | undefined;
  #given = 0;

  static async start(): Promise<PostgresBroker> {
    const broker = new PostgresBroker();
    await new Promise<void>((resolve, reject) => {
      broker.#listener.once('error', reject).listen(broker.path, resolve);
    });
    return broker;
  }

  /** The URL of a migrated database that nobody else has. */
  async fresh(): Promise<{ url: string; name: string }> {
    const server = await (this.#server ??= prepare());
    this.#given += 1;
    const name = `test_${this.#given}`;
    await server.sql(`create database ${name} template ${TEMPLATE}`);
    return { url: server.url({ database: name }), name };
  }

  async stop(): Promise<void> {
    this.#listener.close();
    const server = await this.#server?.catch(() => undefined);
    await server?.stop();
    removeTemporaryDirectory(this.#dir);
  }

  #serve(socket: Socket): void {
    const names: string[] = [];
    socket.on('error', () => undefined);
    socket.once('close', () => void this.#drop(names));
    // Each line is one question.
    createInterface({ input: socket }).on('line', () => {
      this.fresh().then(
        ({ url, name }) => {
          names.push(name);
          socket.write(`${JSON.stringify({ url })}\n`);
        },
        (error: unknown) => socket.write(`${JSON.stringify({ error: String(error) })}\n`),
      );
    });
  }

  async #drop(names: readonly string[]): Promise<void> {
    const server = await this.#server?.catch(() => undefined);
    for (const name of names) {
      // The end of the run is faster: then the whole server goes.
      await server?.sql(`drop database if exists ${name} with (force)`).catch(() => undefined);
    }
  }
}

async function prepare(): Promise<PostgresServer> {
  const server = await startPostgres();
  await server.sql(`create database ${TEMPLATE}`);
  const client = new pg.Client({ connectionString: server.url({ database: TEMPLATE }) });
  await client.connect();
  try {
    await migrateAll(client);
  } finally {
    await client.end();
  }
  return server;
}

/** With the migrations of the product and its way to apply them. */
export async function migrateAll(client: pg.Client): Promise<void> {
  const connection = {
    query: (query: unknown, params: readonly unknown[]) => client.query(query as pg.QueryConfig, [...params]),
    release: () => undefined,
    discard: () => undefined,
  };
  const endMs = systemClock.monotonicMs() + MIGRATION_MS;
  await migrate(new CallLine(connection, { clock: systemClock, statementMs: MIGRATION_MS, endMs }));
}
