import type { Environment } from '../../../src/config/index.js';
import { type ExpectedFault, MISCONFIGURED, type Row, fault, local } from './row.js';
import type { Servers } from './servers.js';

/** One purpose speaks TLS, in the profile that asks for nothing else. */
const tls = (title: string, env: (servers: Servers) => Environment, expected: ExpectedFault): Row => ({
  title,
  env: (servers) =>
    local(servers, { RATE_LIMIT_REDIS_TLS_CA_FILE: servers.certificates.ca, ...env(servers) }),
  exitCode: MISCONFIGURED,
  faults: [expected],
});

/** A wrong scheme looks like a server that does not answer until the deadline. */
const SOON = { REDIS_START_DEADLINE_MS: '1500ms' };
const CA = /PEM file of the authority/;

const handshakes: readonly Row[] = [
  tls(
    'an authority that did not sign the certificate',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.open.url(),
      RATE_LIMIT_REDIS_TLS_CA_FILE: s.certificates.otherCa,
    }),
    fault('rateLimit', 'TLS_CA_FILE', /not signed by a trusted authority \(tls\)/, CA),
  ),
  tls(
    'an own authority that is not named',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.open.url(), RATE_LIMIT_REDIS_TLS_CA_FILE: '' }),
    fault('rateLimit', 'TLS_CA_FILE', /not signed by a trusted authority \(tls\)/, CA),
  ),
  tls(
    'a certificate that has expired',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.expired.url() }),
    fault('rateLimit', 'URL', /has expired \(tls\)/, /on the server/),
  ),
  tls(
    'a certificate for another host',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.wrongHost.url() }),
    fault('rateLimit', 'TLS_SERVERNAME', /for another name \(tls\)/, /name in the certificate/),
  ),
  tls(
    'an expected name that the certificate does not hold',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.open.url(), RATE_LIMIT_REDIS_TLS_SERVERNAME: 'another.example' }),
    fault('rateLimit', 'TLS_SERVERNAME', /for another name \(tls\)/, /name in the certificate/),
  ),
  tls(
    'a server that asks for a client certificate',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.mutual.url() }),
    fault('rateLimit', 'TLS_CERT_FILE', /client certificate \(tls\)/, /TLS_KEY_FILE/),
  ),
  tls(
    'a client certificate of an unknown authority',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.mutual.url(),
      RATE_LIMIT_REDIS_TLS_CERT_FILE: s.strangerClient.cert,
      RATE_LIMIT_REDIS_TLS_KEY_FILE: s.strangerClient.key,
    }),
    fault('rateLimit', 'TLS_CERT_FILE', /client certificate \(tls\)/, /TLS_KEY_FILE/),
  ),
  tls(
    'TLS spoken to a plain port',
    (s) => ({ ...SOON, RATE_LIMIT_REDIS_URL: s.plain.url().replace('redis:', 'rediss:') }),
    fault('rateLimit', 'URL', /does not speak TLS on that port \(tls\)/, /redis:\/\/ for a plain one/),
  ),
  tls(
    'REDIS_TLS over a URL of a plain port',
    (s) => ({
      REDIS_URL: s.open.url(),
      ...SOON,
      REDIS_TLS: 'true',
      RATE_LIMIT_REDIS_URL: s.plain.url(),
      AUTH_CACHE_REDIS_TLS_CA_FILE: s.certificates.ca,
      SECURITY_TOKEN_REDIS_TLS_CA_FILE: s.certificates.ca,
      BILLING_EVENTS_REDIS_TLS_CA_FILE: s.certificates.ca,
    }),
    fault('rateLimit', 'URL', /does not speak TLS on that port \(tls\)/, /redis:\/\/ for a plain one/),
  ),
  tls(
    'plain text spoken to a TLS port',
    (s) => ({
      ...SOON,
      RATE_LIMIT_REDIS_URL: s.open.url().replace('rediss:', 'redis:'),
      RATE_LIMIT_REDIS_TLS_CA_FILE: '',
    }),
    fault('rateLimit', 'URL', /speaks TLS on that port \(tls\)/, /rediss:\/\/ for a TLS port/),
  ),
];

const files: readonly Row[] = [
  tls(
    'an authority file that is missing',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.open.url(), RATE_LIMIT_REDIS_TLS_CA_FILE: s.files.missing }),
    fault('rateLimit', 'TLS_CA_FILE', /cannot be read \(ENOENT\)/, /path/),
  ),
  tls(
    'an authority file that is no PEM',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.open.url(), RATE_LIMIT_REDIS_TLS_CA_FILE: s.files.notPem }),
    fault('rateLimit', 'TLS_CA_FILE', /holds no PEM certificate/, /file/),
  ),
  tls(
    'an authority file whose second certificate is cut off',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.open.url(), RATE_LIMIT_REDIS_TLS_CA_FILE: s.files.cutPem }),
    fault('rateLimit', 'TLS_CA_FILE', /holds no PEM certificate/, /file/),
  ),
  tls(
    'a client certificate without its key',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.mutual.url(),
      RATE_LIMIT_REDIS_TLS_CERT_FILE: s.certificates.client.cert,
    }),
    fault('rateLimit', 'TLS_KEY_FILE', /counterpart/, /both files/),
  ),
  tls(
    'a client key without its certificate',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.mutual.url(),
      RATE_LIMIT_REDIS_TLS_KEY_FILE: s.certificates.client.key,
    }),
    fault('rateLimit', 'TLS_CERT_FILE', /counterpart/, /both files/),
  ),
  tls(
    'a key file that holds a certificate',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.mutual.url(),
      RATE_LIMIT_REDIS_TLS_CERT_FILE: s.certificates.client.cert,
      RATE_LIMIT_REDIS_TLS_KEY_FILE: s.certificates.client.cert,
    }),
    fault('rateLimit', 'TLS_KEY_FILE', /no unencrypted PEM key/, /file/),
  ),
  tls(
    'a client certificate and the key of another',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.mutual.url(),
      RATE_LIMIT_REDIS_TLS_CERT_FILE: s.certificates.client.cert,
      RATE_LIMIT_REDIS_TLS_KEY_FILE: s.strangerClient.key,
    }),
    fault('rateLimit', 'TLS_KEY_FILE', /does not belong to/, /key/),
  ),
  tls(
    'an authority for a URL without TLS',
    (s) => ({ RATE_LIMIT_REDIS_URL: s.plain.url() }),
    fault('rateLimit', 'TLS_CA_FILE', /redis:\/\//, /rediss:/),
  ),
  tls(
    'a client certificate for a URL without TLS',
    (s) => ({
      RATE_LIMIT_REDIS_URL: s.plain.url(),
      RATE_LIMIT_REDIS_TLS_CA_FILE: '',
      RATE_LIMIT_REDIS_TLS_CERT_FILE: s.certificates.client.cert,
      RATE_LIMIT_REDIS_TLS_KEY_FILE: s.certificates.client.key,
    }),
    fault('rateLimit', 'TLS_CERT_FILE', /redis:\/\//, /rediss:/),
  ),
];

export const tlsRows: readonly Row[] = [...handshakes, ...files];
