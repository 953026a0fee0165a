import { type UrlFault, hostInUrl, hostOf, isUrlFault, judgeHost, readServerUrl } from '../config/index.js';
import { Secret } from '../kernel/redact.js';

/** Where a PostgreSQL database is. Parsed here and never handed to the client library as text. */
export interface DatabaseTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Certificate and name of the server are verified; there is no TLS without that. */
  readonly tls: boolean;
}

export interface ParsedDatabaseUrl extends DatabaseTarget {
  readonly username?: string;
  readonly password?: Secret;
}

const FORM = 'Write postgres://user:password@host:port/database?sslmode=verify-full';

/** Modes of libpq that say yes or no. The rest would go on without TLS, or with whoever answers. */
const TLS_MODES: Readonly<Record<string, boolean>> = { disable: false, require: true, 'verify-full': true };

/**
 * Parses a PostgreSQL URL. The client library is not trusted with it: there query parameters override options, and
 * `sslmode=no-verify` is accepted.
 */
export function parseDatabaseUrl(secretUrl: Secret): ParsedDatabaseUrl | UrlFault {
  const url = readServerUrl(secretUrl, FORM);
  if (isUrlFault(url)) return url;
  const fault = judgeUrl(url);
  if (fault) return fault;
  const username = decoded(url.username);
  const password = decoded(url.password);
  const database = decoded(url.pathname.slice(1));
  if (username === undefined || password === undefined || database === undefined) {
    return {
      rule: 'has a user, password or database with broken percent-encoding',
      remedy: 'Encode % itself as %25',
    };
  }
  if (`${username}${password}${database}`.includes('\0')) {
    return { rule: 'has a user, password or database with a NUL character', remedy: 'Remove %00' };
  }
  return {
    host: hostOf(url),
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    tls: TLS_MODES[url.searchParams.get('sslmode') ?? 'disable'] ?? false,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password: new Secret(password) }),
  };
}

/** The address for people: no user, no password. */
export function describeTarget({ host, port, database, tls }: DatabaseTarget): string {
  const place = hostInUrl(host);
  return `postgres://${place}:${port}/${encodeURIComponent(database)}${tls ? '?sslmode=verify-full' : ''}`;
}

function judgeUrl(url: URL): UrlFault | undefined {
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    return { rule: 'has a scheme other than postgres: or postgresql:', remedy: FORM };
  }
  const host = judgeHost(url, FORM);
  if (host) return host;
  if (!/^\/[^/]+$/.test(url.pathname)) {
    return { rule: 'names no database, or more than one', remedy: `${FORM}; encode a / in a name as %2F` };
  }
  if (url.href.includes('#')) {
    return { rule: 'has a # part', remedy: 'Remove it, or encode a # in the password as %23' };
  }
  return judgeParameters(url);
}

function judgeParameters({ searchParams }: URL): UrlFault | undefined {
  if ([...searchParams.keys()].some((name) => name !== 'sslmode')) {
    return {
      rule: 'has query parameters other than sslmode, which are not read',
      remedy: 'Remove them, or encode a ? in the password as %3F',
    };
  }
  const modes = searchParams.getAll('sslmode');
  if (modes.length <= 1 && modes.every((mode) => Object.hasOwn(TLS_MODES, mode))) return undefined;
  return {
    rule: 'has an sslmode that does not say whether there is verified TLS',
    remedy:
      'Write sslmode=verify-full (sslmode=require means the same here), or sslmode=disable in a local profile',
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
