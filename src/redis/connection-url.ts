import { type UrlFault, hostInUrl, hostOf, isUrlFault, judgeHost, readServerUrl } from '../config/index.js';
import { Secret } from '../kernel/redact.js';

/** Where a server is. Parsed here and never handed to the client library as text. */
export interface RedisTarget {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly db: number;
}

export interface ParsedRedisUrl extends RedisTarget {
  readonly username?: string;
  readonly password?: Secret;
}

const FORM =
  'Write redis://host:port/db or rediss://host:port/db, with user:password and an @ before the host';

/**
 * Parses a Redis URL. The client library is not trusted with it: there an upper-case scheme connects in
 * plain text, an unknown scheme is a socket path, `/abc` is database NaN and every query parameter
 * overrides an option.
 */
export function parseRedisUrl(secretUrl: Secret): ParsedRedisUrl | UrlFault {
  const url = readServerUrl(secretUrl, FORM);
  if (isUrlFault(url)) return url;
  const fault = judgeUrl(url);
  if (fault) return fault;
  const credentials = readCredentials(url);
  if (!credentials) {
    return { rule: 'has a user or password with broken percent-encoding', remedy: 'Encode % itself as %25' };
  }
  return {
    tls: url.protocol === 'rediss:',
    host: hostOf(url),
    port: url.port === '' ? 6379 : Number(url.port),
    db: databaseOf(url) ?? 0,
    ...credentials,
  };
}

/** The address for people: no user, no password. */
export function describeTarget({ tls, host, port, db }: RedisTarget): string {
  return `${tls ? 'rediss' : 'redis'}://${hostInUrl(host)}:${port}/${db}`;
}

function judgeUrl(url: URL): UrlFault | undefined {
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    return { rule: 'has a scheme other than redis: or rediss:', remedy: FORM };
  }
  const host = judgeHost(url, FORM);
  if (host) return host;
  // The text and not `search` or `hash`: both are empty for a bare ? or #.
  if (url.href.includes('?')) {
    return {
      rule: 'has query parameters, which are not read',
      remedy: 'Remove everything from the ? on, or encode a ? in the password as %3F',
    };
  }
  if (url.href.includes('#')) {
    return { rule: 'has a # part', remedy: 'Remove it, or encode a # in the password as %23' };
  }
  if (databaseOf(url) === undefined) {
    return {
      rule: 'names a database that is not a whole number from 0 on',
      remedy: 'End it with /0, /1, …, or encode a / in the password as %2F',
    };
  }
  return undefined;
}

function databaseOf(url: URL): number | undefined {
  if (url.pathname === '' || url.pathname === '/') return 0;
  const match = /^\/(\d{1,6})$/.exec(url.pathname);
  return match ? Number(match[1]) : undefined;
}

function readCredentials(url: URL): { username?: string; password?: Secret } | undefined {
  try {
    const username = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    return {
      ...(username === '' ? {} : { username }),
      ...(password === '' ? {} : { password: new Secret(password) }),
    };
  } catch {
    return undefined;
  }
}
