import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';

export interface RedisTlsOptions {
  /** Paths of PEM files, see certificates.ts. */
  cert: string;
  key: string;
  ca: string;
  /** Mutual TLS: refuse a client that shows no certificate of `ca`. */
  requireClientCert?: boolean;
  /** What the server shows as a client of another one (replication, cluster bus); else `cert` and `key`. */
  clientCert?: string;
  clientKey?: string;
}

export interface RedisServerOptions {
  /** A free one by default. With `tls` this is the TLS port. */
  port?: number;
  tls?: RedisTlsOptions;
  /** With `tls`: listen without TLS too, on `plainPort` of the handle. Otherwise the plain port is off. */
  plainPort?: boolean;
  requirepass?: string;
  /** Lines of an ACL file, for instance `user auth on >secret ~auth:* +@all`. Excludes `requirepass`. */
  acl?: string[];
  appendonly?: boolean;
  appendfsync?: 'always' | 'everysec' | 'no';
  /** Bytes, or with a unit: `2mb`. */
  maxmemory?: number | string;
  maxmemoryPolicy?: string;
  maxclients?: number;
  databases?: number;
  /** A node of a cluster: listens on a bus port of its own, `busPort` of the handle, instead of on port + 10000. */
  cluster?: boolean;
  /** Kept by `stop()` when given; otherwise a temporary directory that `stop()` removes. */
  dir?: string;
  /** Appended to redis.conf, for what `ps` must not show or the server rewrites: `['replicaof 127.0.0.1 6379']`. */
  configLines?: string[];
  /** Appended to the command line: `['--cluster-enabled', 'yes']`. */
  extraArgs?: string[];
  /** Run after every start and restart, with the client of `admin()`: for settings that no file keeps. */
  afterStart?: (admin: Redis) => Promise<unknown>;
}

export interface Credentials {
  username?: string;
  password?: string;
}

/** The administrator that exists in every ACL file written here, so that a test cannot lock itself out. */
export function administrator(options: RedisServerOptions): Credentials {
  if (options.acl) return { username: 'test-admin', password: randomBytes(16).toString('hex') };
  return options.requirepass ? { password: options.requirepass } : {};
}

/** Every server also listens here: administration must work whatever TLS, ports and proxies a test plays with. */
export function socketPath(dir: string): string {
  return join(dir, 'redis.sock');
}

export interface Ports {
  port: number;
  plainPort: number | undefined;
  busPort: number | undefined;
}

/**
 * Writes redis.conf (and users.acl once) to the directory and returns the path of redis.conf. A file and not only
 * arguments, so that CONFIG REWRITE works and no password is shown by `ps`.
 */
export function writeConfig(
  dir: string,
  options: RedisServerOptions,
  ports: Ports,
  admin: Credentials,
): string {
  if (options.acl && options.requirepass) {
    throw new Error(
      'requirepass and acl exclude each other: give the default user a password in the ACL lines',
    );
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const settings: [string, string | number | false | undefined][] = [
    ['bind', '127.0.0.1'],
    ['protected-mode', 'no'],
    ['daemonize', 'no'],
    ['dir', quote(dir)],
    ['unixsocket', quote(socketPath(dir))],
    ['unixsocketperm', '700'],
    ['save', '""'],
    ['appendonly', options.appendonly ? 'yes' : 'no'],
    ['appendfsync', options.appendfsync],
    ['maxmemory', options.maxmemory],
    ['maxmemory-policy', options.maxmemoryPolicy],
    ['maxclients', options.maxclients],
    ['databases', options.databases],
    ['requirepass', options.requirepass && quote(options.requirepass)],
    ['cluster-enabled', options.cluster && 'yes'],
    ['cluster-port', ports.busPort],
    ...listeners(options.tls, ports),
  ];
  if (options.acl) settings.push(['aclfile', quote(writeAcl(dir, options.acl, admin))]);
  const path = join(dir, 'redis.conf');
  const given = settings.filter(([, value]) => value !== undefined && value !== false && value !== '');
  const lines = given.map(([name, value]) => `${name} ${value}`);
  writePrivate(path, [...lines, ...(options.configLines ?? [])]);
  return path;
}

function listeners(tls: RedisTlsOptions | undefined, ports: Ports): [string, string | number | undefined][] {
  if (!tls) return [['port', ports.port]];
  return [
    ['port', ports.plainPort ?? 0],
    ['tls-port', ports.port],
    ['tls-cert-file', quote(tls.cert)],
    ['tls-key-file', quote(tls.key)],
    ['tls-ca-cert-file', quote(tls.ca)],
    ['tls-client-cert-file', tls.clientCert && quote(tls.clientCert)],
    ['tls-client-key-file', tls.clientKey && quote(tls.clientKey)],
    ['tls-auth-clients', tls.requireClientCert ? 'yes' : 'no'],
  ];
}

function writeAcl(dir: string, lines: string[], admin: Credentials): string {
  const path = join(dir, 'users.acl');
  writePrivate(path, [...lines, `user ${admin.username} on >${admin.password} ~* &* +@all`]);
  return path;
}

function quote(value: string): string {
  return JSON.stringify(value);
}

function writePrivate(path: string, lines: string[]): void {
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
}
