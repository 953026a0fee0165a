import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { killOnExit, removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { freePort } from './free-port.js';
import { type PostgresBinaries, providePostgres } from './postgres-provision.js';
import { find } from './redis-binary.js';
import { thisMachine } from './redis-provision.js';
import { waitFor } from './wait-for.js';

export interface PostgresServerOptions {
  /** Serves TLS with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further lines of postgresql.conf. */
  readonly settings?: readonly string[];
  readonly binaries?: PostgresBinaries;
}

export interface PostgresUrlOptions {
  /** `postgres` by default. */
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** Of a proxy in front of the server. */
  readonly port?: number;
  readonly host?: string;
  readonly sslmode?: string;
}

const ADMIN = 'bulkhead';
const PASSWORD = 'test-password';
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const PORT_ATTEMPTS = 5;
const LOG_TAIL_CHARS = 8_192;

/** Nothing waits for the disk: what was committed survives the end of the server, though not that of the machine. */
const SETTINGS = [
  "listen_addresses = '127.0.0.1'",
  "unix_socket_directories = ''",
  'fsync = off',
  'full_page_writes = off',
  'max_connections = 200',
  'shared_buffers = 32MB',
  'wal_level = minimal',
  'max_wal_senders = 0',
  "log_min_messages = 'fatal'",
];

/**
 * Starts a real PostgreSQL as a child process on 127.0.0.1 and resolves when it serves. It refuses to run as root, so
 * for root it runs as another user.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const binaries = options.binaries ?? (await providePostgres(thisMachine(), (line) => console.log(line)));
  for (let attempt = 1; ; attempt += 1) {
    const server = new PostgresServer(binaries, options, await freePort());
    try {
      server.create();
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Another process was faster to take a port that was free a moment ago.
      if (!/address already in use/i.test(String(error)) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

export class PostgresServer {
  readonly host = '127.0.0.1';
  readonly dir = temporaryDirectory('postgres');
  readonly #data = join(this.dir, 'data');
  readonly #identity = unprivileged();
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #log = '';

  /** Use `startPostgres`. */
  constructor(
    private readonly binaries: PostgresBinaries,
    private readonly options: PostgresServerOptions,
    readonly port: number,
  ) {}

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return this.#log;
  }

  /** Of the administrator, unless other credentials are given. */
  url(options: PostgresUrlOptions = {}): string {
    const { database = 'postgres', user = ADMIN, password = PASSWORD, sslmode } = options;
    const query = sslmode === undefined ? '' : `?sslmode=${sslmode}`;
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `postgres://${login}@${options.host ?? this.host}:${options.port ?? this.port}/${database}${query}`;
  }

  /** Makes the files of the server; nothing runs yet. */
  create(): void {
    const { dir } = this;
    const passwordFile = join(dir, 'password');
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    this.#handOver(dir, passwordFile);
    const how = ['--auth=scram-sha-256', `--username=${ADMIN}`, `--pwfile=${passwordFile}`];
    const what = ['--no-sync', '--encoding=UTF8', '--locale=C', '-D', this.#data];
    execFileSync(this.binaries.initdb, [...how, ...what], { ...this.#identity, cwd: dir, stdio: 'pipe' });
    writeFileSync(join(this.#data, 'postgresql.auto.conf'), this.#settings().join('\n'));
  }

  async start(): Promise<void> {
    if (this.running) throw new Error(`The server on port ${this.port} is already running`);
    const [command, ...prefix] = [...dyingWithParent(), this.binaries.postgres];
    const child = spawn(command as string, [...prefix, '-D', this.#data], {
      ...this.#identity,
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#log = '';
    const keep = (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-LOG_TAIL_CHARS));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.#exited = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    killOnExit(child);
    try {
      await waitFor(async () => !this.running || (await this.#answers()), {
        what: 'an answer of PostgreSQL',
        timeoutMs: START_TIMEOUT_MS,
        intervalMs: 20,
      });
      if (!this.running) throw new Error('postgres ended at once');
    } catch (error) {
      await this.#end('SIGKILL');
      throw new Error(`${String(error)}. Its log ends:\n${this.#log}`);
    }
  }

  /** Ends every session, undoes what is open and stops, as an administrator does it. */
  down(): Promise<void> {
    return this.#end('SIGINT');
  }

  /** As the kernel does it when memory is short: the next start recovers. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.down();
    await this.start();
  }

  /** Runs statements as the administrator, on a connection of their own. */
  async sql<Row extends object>(text: string, database = 'postgres'): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url({ database }) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.down();
    removeTemporaryDirectory(this.dir);
  }

  async #end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || !this.running) return;
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(patience);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.sql('select 1');
      return true;
    } catch {
      return false;
    }
  }

  #settings(): string[] {
    const { tls, settings = [] } = this.options;
    return [...SETTINGS, `port = ${this.port}`, ...(tls ? this.#tlsSettings(tls) : []), ...settings, ''];
  }

  /** Keys that others may read are refused. */
  #tlsSettings({ cert, key }: { cert: string; key: string }): string[] {
    const files = [
      ['server.crt', cert],
      ['server.key', key],
    ] as const;
    for (const [name, path] of files) {
      const copy = join(this.dir, name);
      copyFileSync(path, copy);
      chmodSync(copy, 0o600);
      this.#handOver(copy);
    }
    const inDir = (name: string) => join(this.dir, name);
    return [
      'ssl = on',
      `ssl_cert_file = '${inDir('server.crt')}'`,
      `ssl_key_file = '${inDir('server.key')}'`,
    ];
  }

  #handOver(...paths: string[]): void {
    const { uid, gid } = this.#identity;
    if (uid === undefined || gid === undefined) return;
    for (const path of paths) chownSync(path, uid, gid);
  }
}

/** Whom the server runs as; nobody else where this process is not root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such user: the next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody');
}

/** Makes the kernel end the server with its parent, even when no handler of ours can run. */
function dyingWithParent(): string[] {
  const setpriv = process.platform === 'linux' ? find('setpriv') : undefined;
  return setpriv ? [setpriv, '--pdeathsig', 'QUIT', '--'] : [];
}
