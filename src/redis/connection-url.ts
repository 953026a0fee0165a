import { isIP } from 'node:net';
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

/** What is wrong with a URL, in words that can follow the variable's name. Never shows the value. */
export interface UrlFault {
  readonly rule: string;
  readonly remedy: string;
}

const FORM =
  'Write redis://host:port/db or rediss://host:port/db, with user:password and an @ before the host';

/**
 * Parses a Redis URL. The client library is not trusted with it: there an upper-case scheme connects in
 * plain text, an unknown scheme is a socket path, `/abc` is database NaN and every query parameter
 * overrides an option.
 */
export function parseRedisUrl(secretUrl: Secret): ParsedRedisUrl | UrlFault {
  const text = secretUrl.reveal().trim();
  // The URL parser drops these without a word, and a password would be another one.
  if (/[\t\r\n]/.test(text)) {
    return {
      rule: 'holds a line break or a tab',
      remedy: 'Write it on one line, or percent-encode what is meant',
    };
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { rule: 'is not a URL', remedy: `${FORM}; percent-encode special characters in the password` };
  }
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

export function isUrlFault(parsed: ParsedRedisUrl | UrlFault): parsed is UrlFault {
  return 'rule' in parsed;
}

/** The address for people: no user, no password. */
export function describeTarget({ tls, host, port, db }: RedisTarget): string {
  return `${tls ? 'rediss' : 'redis'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}/${db}`;
}

function judgeUrl(url: URL): UrlFault | undefined {
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    return { rule: 'has a scheme other than redis: or rediss:', remedy: FORM };
  }
  if (url.hostname === '') return { rule: 'names no host', remedy: FORM };
  if (!isIP(hostOf(url)) && !/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(url.hostname)) {
    return { rule: 'names something that is not one host', remedy: FORM };
  }
  if (url.port === '0') return { rule: 'names port 0', remedy: 'Give the port that the server listens on' };
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

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
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
