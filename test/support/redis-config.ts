import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RedisTlsOptions {
  /** Paths of PEM files, see certificates.ts. */
  cert: string;
  key: string;
  ca: string;
  /** Mutual TLS: refuse a client that shows no certificate of `ca`. */
  requireClientCert?: boolean;
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
  /** Kept by `stop()` when given; otherwise a temporary directory that `stop()` removes. */
  dir?: string;
  /** Appended to the command line: `['--cluster-enabled', 'yes']`. */
  extraArgs?: string[];
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
  const settings: [string, string | number | undefined][] = [
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
    ...listeners(options.tls, ports),
  ];
  if (options.acl) settings.push(['aclfile', quote(writeAcl(dir, options.acl, admin))]);
  const path = join(dir, 'redis.conf');
  const lines = settings.filter(([, value]) => value !== undefined && value !== '');
  writePrivate(
    path,
    lines.map(([name, value]) => `${name} ${value}`),
  );
  return path;
}

function listeners(tls: RedisTlsOptions | undefined, ports: Ports): [string, string | number][] {
  if (!tls) return [['port', ports.port]];
  return [
    ['port', ports.plainPort ?? 0],
    ['tls-port', ports.port],
    ['tls-cert-file', quote(tls.cert)],
    ['tls-key-file', quote(tls.key)],
    ['tls-ca-cert-file', quote(tls.ca)],
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
