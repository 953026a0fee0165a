import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import { PostgresBroker } from './postgres-broker.js';

export { type PostgresServer, type PostgresServerOptions, startPostgres } from './postgres-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where databases of the run's PostgreSQL are asked for. */
    postgresBroker: string;
  }
}

let own: Promise<PostgresBroker> | undefined;
let line: Promise<Line> | undefined;

/**
 * The URL of an empty, migrated PostgreSQL database that nobody else has; gone when the test file ends.
 *
 * @throws Error that says how to get PostgreSQL where there is none
 */
export async function freshDatabase(): Promise<string> {
  line ??= openLine();
  return (await line).ask();
}

async function openLine(): Promise<Line> {
  const shared = inject('postgresBroker') as string | undefined;
  // A project without the global set-up gets a server of its own, which ends with this process.
  const path = shared ?? (await (own ??= PostgresBroker.start())).path;
  const socket = connect(path);
  await once(socket, 'connect');
  socket.unref();
  return new Line(socket);
}

/** Answers come in the order of the questions or not; each is as good as another. */
class Line {
  readonly #waiting: ((answer: { url?: string; error?: string }) => void)[] = [];

  constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (text) => {
      this.#waiting.shift()?.(JSON.parse(text) as { url?: string; error?: string });
      if (this.#waiting.length === 0) socket.unref();
    });
    socket.once('close', () => {
      for (const answer of this.#waiting.splice(0)) answer({ error: 'the runner has ended' });
    });
  }

  ask(): Promise<string> {
    this.socket.ref();
    this.socket.write('database\n');
    return new Promise((resolve, reject) => {
      this.#waiting.push(({ url, error }) =>
        url === undefined ? reject(new Error(`No database: ${error ?? 'no reason given'}`)) : resolve(url),
      );
    });
  }
}
