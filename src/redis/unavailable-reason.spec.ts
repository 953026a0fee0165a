import { describe, expect, it } from 'vitest';
import { HandshakeError, type Suspect } from './handshake-error.js';
import { lossFor, lossFrom } from './loss.js';
import { UNAVAILABLE_REASONS, type UnavailableReason } from './redis.errors.js';
import { reasonOf, reasonOfReply } from './unavailable-reason.js';

const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

const NETWORK: readonly (readonly [code: string, UnavailableReason])[] = [
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'refused'],
  ['ENETUNREACH', 'refused'],
  ['EADDRNOTAVAIL', 'refused'],
  ['ETIMEDOUT', 'timeout'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['EAI_FAIL', 'dns'],
  ['EPROTO', 'tls'],
  ['ESOMETHING', 'other'],
];

const REPLIES: readonly (readonly [reply: string, UnavailableReason | undefined])[] = [
  ['NOAUTH Authentication required.', 'auth'],
  ['NOAUTH HELLO must be called with the client already authenticated', 'auth'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'auth'],
  ['DENIED Redis is running in protected mode because …', 'auth'],
  ["NOPERM this user has no permissions to run the 'get' command", 'noperm'],
  ['NOPERM', 'noperm'],
  [
    "ERR The user executing the script can't run this command or subcommand script: 5c, on @user_script:1.",
    'noperm',
  ],
  ["READONLY You can't write against a read only replica.", 'readonly'],
  ['MASTERDOWN Link with MASTER is down', 'readonly'],
  ['NOREPLICAS Not enough good replicas to write.', 'noreplicas'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'oom'],
  ['MISCONF Redis is configured to save RDB snapshots, but …', 'misconf'],
  ['LOADING Redis is loading the dataset in memory', 'loading'],
  ['BUSY Redis is busy running a script.', 'busy'],
  ['ERR max number of clients reached', 'maxclients'],
  // Speak of the command or of the data, not of the server.
  ['WRONGTYPE Operation against a key holding the wrong kind of value', undefined],
  ['NOSCRIPT No matching script.', undefined],
  ['BUSYGROUP Consumer Group name already exists', undefined],
  ['BUSYKEY Target key name already exists.', undefined],
  ['NOGROUP No such key', undefined],
  ['EXECABORT Transaction discarded because of previous errors.', undefined],
  ['ERR value is not an integer or out of range', undefined],
  ['ERR syntax error, LOADING is not an option', undefined],
  ['constructor', undefined],
  ['toString of something', undefined],
  ['', undefined],
];

const TEXTS: readonly (readonly [text: string, UnavailableReason])[] = [
  ['ERR DB index is out of range', 'select'],
  ['ERR invalid DB index', 'select'],
  ['ERR AUTH <password> called without any password configured', 'auth'],
  ['Protocol error, got "H" as reply type byte. Please report this.', 'protocol'],
  ['connect ETIMEDOUT', 'timeout'],
  ['Command timed out', 'timeout'],
  ['Connection is closed.', 'reset'],
  ['Reached the max retries per request limit (which is 0).', 'reset'],
  ['', 'other'],
];

const TLS: readonly (readonly [code: string, Suspect])[] = [
  ['CERT_HAS_EXPIRED', 'server'],
  ['CERT_NOT_YET_VALID', 'server'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'servername'],
  ['HOSTNAME_MISMATCH', 'servername'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'authority'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'authority'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client-certificate'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'client-certificate'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'client-certificate'],
  // An alert is the other side's word: this is the server's opinion of our certificate.
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'client-certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'client-certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'client-certificate'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'scheme'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'scheme'],
  ['EPROTO', 'scheme'],
  ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'authority'],
];

describe('reasonOf', () => {
  it.each(NETWORK)('calls %s %s', (code, reason) => {
    expect(reasonOf(failure('connect failed', code))).toBe(reason);
  });

  it.each(TLS)('calls %s tls', (code) => {
    expect(reasonOf(failure('handshake failed', code))).toBe('tls');
  });

  it.each(TEXTS)('calls the text %j %s', (text, reason) => {
    expect(reasonOf(failure(text))).toBe(reason);
  });

  it('believes the code before the text', () => {
    expect(reasonOf(failure('NOAUTH', 'ECONNREFUSED'))).toBe('refused');
    expect(reasonOf(failure('connect ETIMEDOUT', 'CERT_HAS_EXPIRED'))).toBe('tls');
  });

  it('finds the code of several addresses that all failed', () => {
    const each = [failure('::1', 'ECONNREFUSED'), failure('127.0.0.1', 'ECONNREFUSED')];
    expect(reasonOf(Object.assign(new AggregateError(each), { code: 'ECONNREFUSED' }))).toBe('refused');
  });
});

describe('reasonOfReply', () => {
  it.each(REPLIES)('of %j is %s', (reply, reason) => {
    expect(reasonOfReply(reply)).toBe(reason);
  });
});

describe('a loss', () => {
  it.each(TLS)('behind %s points to the %s', (code, suspect) => {
    expect(lossFrom(failure('s3cret', code))).toMatchObject({ reason: 'tls', suspect });
  });

  it.each(UNAVAILABLE_REASONS)('for %s has a detail and something to look at', (reason) => {
    const { detail, suspect } = lossFor(reason);
    expect(detail).toMatch(/^[a-z].*[a-z]$/);
    expect(suspect).not.toBe('');
  });

  it('repeats no text of the error', () => {
    for (const code of [undefined, ...NETWORK.map(([name]) => name), ...TLS.map(([name]) => name)]) {
      expect(JSON.stringify(lossFrom(failure('AUTH s3cret', code)))).not.toContain('s3cret');
    }
  });

  it('keeps the detail of a refused greeting, which is our own text', () => {
    const loss = lossFrom(new HandshakeError('select', 'the server refused SELECT 9'));
    expect(loss).toEqual({ reason: 'select', detail: 'the server refused SELECT 9', suspect: 'database' });
  });
});
