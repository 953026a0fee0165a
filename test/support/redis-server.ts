import { Redis } from 'ioredis';
import { removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { freePort } from './free-port.js';
import { findRedisServer } from './redis-binary.js';
import { administrator, socketPath, writeConfig } from './redis-config.js';
import type { Credentials, Ports, RedisServerOptions } from './redis-config.js';
import { RedisProcess } from './redis-process.js';

export { findRedisServer } from './redis-binary.js';
export type { RedisServerOptions, RedisTlsOptions } from './redis-config.js';

export interface UrlOptions extends Credentials {
  db?: number;
  /** Of a proxy in front of the server. */
  port?: number;
  /** `127.0.0.1` by default. */
  host?: string;
  /** The port without TLS of a server that has both. */
  plain?: boolean;
}

const PORT_ATTEMPTS = 5;

/**
 * Starts a real server as a child process on 127.0.0.1 and resolves when it serves.
 *
 * A real one, since the promises under test are about what Redis does when it is killed, frozen, full or read-only,
 * and a mock would only repeat what its author believed.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = findRedisServer();
  if (!binary) throw new Error('No redis-server found: guard the suite with describeReal()');
  for (let attempt = 1; ; attempt += 1) {
    const ports: Ports = {
      port: options.port ?? (await freePort()),
      plainPort: options.tls && options.plainPort ? await freePort() : undefined,
      busPort: options.cluster ? await freePort() : undefined,
    };
    const server = new RedisServer(binary, options, ports);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Another process was faster to take a port that was free a moment ago.
      const taken = /address already in use/i.test(String(error)) && options.port === undefined;
      if (!taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

export class RedisServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly plainPort: number | undefined;
  /** Of a node of a cluster. */
  readonly busPort: number | undefined;
  readonly dir: string;
  readonly #binary: string;
  readonly #options: RedisServerOptions;
  readonly #credentials: Credentials;
  #process: RedisProcess | undefined;
  #admin: Redis | undefined;

  /** Use `startRedisServer`. */
  constructor(binary: string, options: RedisServerOptions, ports: Ports) {
    this.#binary = binary;
    this.#options = options;
    this.#credentials = administrator(options);
    this.port = ports.port;
    this.plainPort = ports.plainPort;
    this.busPort = ports.busPort;
    this.dir = options.dir ?? temporaryDirectory('redis');
    writeConfig(this.dir, options, ports, this.#credentials);
  }

  /** Of the current process, or of the last one when the server is down. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get running(): boolean {
    return this.#process?.alive ?? false;
  }

  /** Running and not frozen. */
  get serving(): boolean {
    return this.running && !this.#process?.frozen;
  }

  /** The end of the log of the current process, or of the last one. */
  get log(): string {
    return this.#process?.log ?? '';
  }

  /** `redis://` or `rediss://`, with the password of `requirepass` unless other credentials are given. */
  url(options: UrlOptions = {}): string {
    const { username = '', password = username ? '' : (this.#options.requirepass ?? ''), db } = options;
    const plain = options.plain ?? this.#options.tls === undefined;
    const port = options.port ?? (plain ? (this.plainPort ?? this.port) : this.port);
    const user = encodeURIComponent(username);
    const credentials = user || password ? `${user}:${encodeURIComponent(password)}@` : '';
    const path = db === undefined ? '' : `/${db}`;
    return `${plain ? 'redis' : 'rediss'}://${credentials}${options.host ?? this.host}:${port}${path}`;
  }

  /**
   * A client that may do anything, for looking at and preparing the server. It goes through a socket file, past TLS,
   * proxies and firewalls of the test; every command ends within five seconds; it survives a restart of the server.
   * Closed by `stop()`.
   */
  admin(): Redis {
    if (this.#admin) return this.#admin;
    const admin = new Redis({
      path: socketPath(this.dir),
      ...this.#credentials,
      connectionName: 'test-admin',
      connectTimeout: 2_000,
      commandTimeout: 5_000,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
    });
    // A command reports its own failure; without a listener ioredis would also print every lost connection.
    admin.on('error', () => undefined);
    this.#admin = admin;
    return admin;
  }

  /** Starts a server that is down, with its port, directory and data. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`The server on port ${this.port} is already running`);
    const args = [`${this.dir}/redis.conf`, ...(this.#options.extraArgs ?? [])];
    this.#process = await RedisProcess.start(this.#binary, args, socketPath(this.dir));
    await this.#options.afterStart?.(this.admin());
  }

  /** SIGTERM, as a planned restart does it; the directory stays, and `start()` brings the server back. */
  async down(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  /** SIGKILL, as the kernel does it when memory is short; the directory stays, and `start()` brings it back. */
  async kill9(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Same port, same directory; in an orderly way when the server runs, else (after `kill9`) just a start. */
  async restart(): Promise<void> {
    await this.down();
    await this.start();
  }

  /** SIGSTOP: connections stay open, the kernel accepts more, nobody answers. */
  async freeze(): Promise<void> {
    await this.#process?.freeze();
  }

  thaw(): void {
    this.#process?.thaw();
  }

  /** Ends the server (also a frozen one) and removes its temporary directory. */
  async stop(): Promise<void> {
    this.#admin?.disconnect();
    this.#admin = undefined;
    await this.down();
    removeTemporaryDirectory(this.dir);
  }
}
