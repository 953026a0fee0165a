import type { UnavailableReason } from './redis.errors.js';

const BY_CODE: Readonly<Record<string, UnavailableReason>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EADDRNOTAVAIL: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EPROTO: 'tls',
};

/** First word of a server's error reply. Only those that speak of the server, not of the command. */
const BY_REPLY: Readonly<Record<string, UnavailableReason>> = {
  NOAUTH: 'auth',
  WRONGPASS: 'auth',
  DENIED: 'auth',
  NOPERM: 'noperm',
  READONLY: 'readonly',
  MASTERDOWN: 'readonly',
  NOREPLICAS: 'noreplicas',
  CLUSTERDOWN: 'clusterdown',
  OOM: 'oom',
  MISCONF: 'misconf',
  LOADING: 'loading',
  BUSY: 'busy',
};

const TLS_CODE = /^ERR_(TLS|SSL|OSSL)|^CERT_|SELF_SIGNED|^UNABLE_TO_|^DEPTH_ZERO|HOSTNAME_MISMATCH|^CRL_/;

/** Puts a network or handshake error into one of the stable reasons. */
export function reasonOf(error: Error): UnavailableReason {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (TLS_CODE.test(code)) return 'tls';
  return BY_CODE[code] ?? reasonOfReply(error.message) ?? reasonOfText(error.message);
}

/** The reason behind an error reply; undefined when the reply speaks of the command only. */
export function reasonOfReply(message: string): UnavailableReason | undefined {
  const word = message.slice(0, message.indexOf(' ') >>> 0);
  if (Object.hasOwn(BY_REPLY, word)) return BY_REPLY[word];
  if (message.includes('max number of clients')) return 'maxclients';
  // A right that a command inside a script lacks; the reply begins with ERR.
  if (message.includes('The user executing the script')) return 'noperm';
  return undefined;
}

function reasonOfText(message: string): UnavailableReason {
  if (/DB index|invalid DB/i.test(message)) return 'select';
  if (/AUTH/.test(message)) return 'auth';
  if (/protocol|unexpected|unknown.*(type|reply)|report this/i.test(message)) return 'protocol';
  if (/timed? ?out/i.test(message)) return 'timeout';
  if (/closed|ended|retries per request|aborted/i.test(message)) return 'reset';
  return 'other';
}
