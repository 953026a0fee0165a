import type { SqlUnavailableReason } from './database.errors.js';

/** Which setting to look at first. */
export type Suspect = 'address' | 'credentials' | 'database' | 'tls' | 'grants' | 'migration' | 'server';

/** Why the server, as opposed to a statement, could not be used. Safe to show. */
export interface SqlFailure {
  readonly reason: SqlUnavailableReason;
  /** One half of a sentence for a person. */
  readonly detail: string;
  readonly suspect: Suspect;
  /** Settings and server contradict each other: waiting does not help. */
  readonly hopeless: boolean;
}

/** Carries a failure that was found here and not by the library. */
export class SqlFailureError extends Error {
  constructor(readonly failure: SqlFailure) {
    super(failure.detail);
    this.name = 'SqlFailureError';
  }
}

const passing = (reason: SqlUnavailableReason, detail: string, suspect: Suspect = 'server'): SqlFailure => ({
  reason,
  detail,
  suspect,
  hopeless: false,
});

const hopeless = (reason: SqlUnavailableReason, detail: string, suspect: Suspect): SqlFailure => ({
  reason,
  detail,
  suspect,
  hopeless: true,
});

/** SQLSTATEs that speak of the server or the login, not of the statement. */
const BY_STATE: Readonly<Record<string, SqlFailure>> = {
  '28P01': hopeless('auth', 'the server refused user or password', 'credentials'),
  '28000': hopeless('auth', 'the server refused the login', 'credentials'),
  '3D000': hopeless('other', 'the server has no such database', 'database'),
  // Withdrawn from a running connection by DROP DATABASE.
  '57P04': hopeless('other', 'the database was dropped', 'database'),
  '42501': hopeless('auth', 'the role lacks a right', 'grants'),
  '53300': passing('too-many-connections', 'the server has no connection left'),
  '53100': passing('disk-full', 'the disk of the server is full'),
  '53200': passing('other', 'the server is out of memory'),
  '57P01': passing('reset', 'the server ended the connection'),
  '57P02': passing('reset', 'the server crashed'),
  '57P03': passing('starting', 'the server is starting, stopping or recovering'),
  '57P05': passing('reset', 'the server ended an idle connection'),
  '57014': passing('timeout', 'a statement took too long'),
  '55P03': passing('timeout', 'a lock was not to be had in time'),
  '25P03': passing('timeout', 'a transaction stood idle for too long'),
  '25P04': passing('timeout', 'a transaction took too long'),
  '25006': passing('read-only', 'the server takes no writes'),
  '58030': passing('other', 'the server cannot read or write its files'),
};

/** Rights are the caller's or the installer's matter, never a reason to close the compartment for everybody. */
const ABOUT_STATEMENTS_TOO: ReadonlySet<string> = new Set(['42501', '55P03']);

const BY_CODE: Readonly<Record<string, readonly [SqlUnavailableReason, string]>> = {
  ECONNREFUSED: ['refused', 'nothing listens at that address'],
  EHOSTUNREACH: ['refused', 'the host cannot be reached'],
  ENETUNREACH: ['refused', 'the network cannot be reached'],
  EADDRNOTAVAIL: ['refused', 'the host cannot be reached'],
  ETIMEDOUT: ['timeout', 'the server does not answer'],
  ECONNRESET: ['reset', 'the connection was lost'],
  EPIPE: ['reset', 'the connection was lost'],
  ENOTFOUND: ['dns', 'the host name is unknown'],
  EAI_AGAIN: ['dns', 'the host name cannot be resolved'],
  EAI_FAIL: ['dns', 'the host name cannot be resolved'],
};

const TLS_CODE =
  /^ERR_(TLS|SSL|OSSL)|^EPROTO$|^CERT_|SELF_SIGNED|^UNABLE_TO_|^DEPTH_ZERO|HOSTNAME_MISMATCH|^CRL_/;

/** Texts of the client library, which gives these errors no code. */
const BY_TEXT: readonly (readonly [RegExp, SqlFailure])[] = [
  [/does not support SSL/i, hopeless('tls', 'the server does not offer TLS', 'tls')],
  [/establishing an SSL connection/i, hopeless('tls', 'the server did not answer as PostgreSQL does', 'tls')],
  [/SASL|SCRAM|password must be/i, hopeless('auth', 'the server and the password do not fit', 'credentials')],
  [/time(d )?out/i, passing('timeout', 'the server does not answer', 'address')],
  [
    /terminated|not queryable|ended|closed|has already been/i,
    passing('reset', 'the connection was lost', 'address'),
  ],
];

export function sqlStateOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : undefined;
}

/**
 * Why the server could not be used; undefined where the server answered and refused one statement.
 *
 * @param connecting whether the login was not over yet, when a right that lacks is about the login
 */
export function failureOf(error: unknown, connecting = false): SqlFailure | undefined {
  if (error instanceof SqlFailureError) return error.failure;
  if (!(error instanceof Error)) return undefined;
  const state = sqlStateOf(error);
  if (state !== undefined) return failureOfState(state, error.message, connecting);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (TLS_CODE.test(code)) return hopeless('tls', `the TLS handshake failed (${code})`, 'tls');
  const known = BY_CODE[code];
  if (known) return passing(known[0], known[1], 'address');
  const found = BY_TEXT.find(([text]) => text.test(error.message));
  return found?.[1] ?? (connecting ? passing('other', 'the login did not succeed') : undefined);
}

function failureOfState(state: string, message: string, connecting: boolean): SqlFailure | undefined {
  if (state === '28000' && /no encryption|SSL off/i.test(message)) {
    return hopeless('tls', 'the server lets nobody in without TLS', 'tls');
  }
  if (!connecting && ABOUT_STATEMENTS_TOO.has(state)) return undefined;
  const known = BY_STATE[state];
  if (known) return known;
  // Connection, resources, intervention, system: never about what was asked.
  if (/^(08|53|57|58)/.test(state)) return passing('other', `the server cannot serve (SQLSTATE ${state})`);
  if (!connecting) return undefined;
  return passing('other', `the server refused the login (SQLSTATE ${state})`);
}
