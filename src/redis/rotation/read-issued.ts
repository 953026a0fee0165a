import { Secret } from '../../kernel/redact.js';
import { HandshakeError } from '../handshake-error.js';
import type { Credentials } from '../live-access.js';

/** A server reads no longer argument of whoever has not logged in, and closes the connection. */
const MOST_BYTES = 16_384;
const TOO_LONG = `more than ${MOST_BYTES} bytes, which no server reads before a login`;

export interface IssuedFor {
  /** The user where the provider names none. */
  readonly username?: string;
  /** Whether the provider, or the settings, must name an ACL user. */
  readonly userRequired: boolean;
  /** Wall clock, milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Reads what a provider gave, which is code of somebody else and may have any shape.
 *
 * @throws HandshakeError with `auth` for what waiting does not cure
 */
export function readIssued(
  answer: unknown,
  issuedFor: IssuedFor,
): { credentials: Credentials; expiresAtMs: number | undefined } {
  const given = (typeof answer === 'object' && answer ? answer : {}) as Readonly<Record<string, unknown>>;
  const { password } = given;
  if (typeof password !== 'string' || password === '') throw unusable('gave no password');
  if (tooLong(password)) throw unusable(`gave a password of ${TOO_LONG}`);
  const username = readUser(given.username ?? issuedFor.username, issuedFor.userRequired);
  const expiresAtMs = readExpiry(given.expiresAtMs, issuedFor.nowMs);
  const user = username === undefined ? {} : { username };
  return { credentials: { ...user, password: new Secret(password) }, expiresAtMs };
}

function readUser(username: unknown, required: boolean): string | undefined {
  if (required && (username === undefined || username === 'default'))
    throw unusable('names no ACL user, which this purpose must have because it holds personal data');
  if (typeof username === 'string' && tooLong(username)) throw unusable(`gave a user of ${TOO_LONG}`);
  if (username === undefined || (typeof username === 'string' && username !== '')) return username;
  throw unusable('gave a user that is no text');
}

function readExpiry(expiresAtMs: unknown, nowMs: number): number | undefined {
  if (expiresAtMs === undefined) return undefined;
  if (typeof expiresAtMs !== 'number' || !Number.isFinite(expiresAtMs))
    throw unusable('gave an expiry that is no number of milliseconds');
  if (expiresAtMs > nowMs) return expiresAtMs;
  throw new HandshakeError('other', 'the credential provider gave what has expired already', 'provider');
}

function tooLong(text: string): boolean {
  return Buffer.byteLength(text) > MOST_BYTES;
}

function unusable(what: string): HandshakeError {
  return new HandshakeError('auth', `the credential provider ${what}`, 'provider');
}
