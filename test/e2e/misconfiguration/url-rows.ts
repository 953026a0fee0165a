import { type ExpectedFault, MISCONFIGURED, type Row, fault, local } from './row.js';

const FORM = /Write redis:\/\/host:port/;

/** A malformed URL never reaches a socket: the whole application is put together and refuses by text alone. */
const malformed = (title: string, url: string, rule: RegExp, remedy: RegExp): Row => ({
  title,
  env: (servers) => local(servers, { SECURITY_TOKEN_REDIS_URL: url }),
  exitCode: MISCONFIGURED,
  faults: [fault('securityTokens', 'URL', rule, remedy)],
});

const forms: readonly Row[] = [
  malformed('a URL without a scheme', 'canary-host:6379', /scheme/, FORM),
  malformed('a bare address', '127.0.0.1:6379', /not a URL/, FORM),
  malformed('an http URL', 'http://:canary@127.0.0.1:6379', /scheme/, FORM),
  malformed('a socket path', 'unix:///run/canary.sock', /scheme/, FORM),
  malformed('a Sentinel URL', 'redis+sentinel://:canary@127.0.0.1:26379/main', /scheme/, FORM),
  malformed('a URL without a host', 'redis:///0', /no host/, FORM),
  malformed('several hosts', 'redis://:canary@one,two:6379', /not one host/, FORM),
  malformed('port 0', 'redis://:canary@127.0.0.1:0', /port 0/, /port/),
  malformed('port 65536', 'redis://:canary@127.0.0.1:65536', /not a URL/, FORM),
  malformed('a port in letters', 'redis://:canary@127.0.0.1:abc', /not a URL/, FORM),
  malformed('a database name', 'redis://:canary@127.0.0.1/canary', /whole number/, /\/0/),
  malformed('a negative database', 'redis://:canary@127.0.0.1/-1', /whole number/, /\/0/),
  malformed('a fractional database', 'redis://:canary@127.0.0.1/1.5', /whole number/, /\/0/),
  malformed('a query', 'redis://127.0.0.1/0?password=canary', /query/, /\?/),
  malformed('a fragment', 'redis://127.0.0.1/0#canary', /# part/, /%23/),
  malformed('broken percent-encoding', 'redis://:canary%zz@127.0.0.1', /percent-encoding/, /%25/),
  malformed('an unescaped / in the password', 'redis://:can/canary@127.0.0.1', /not a URL/, /percent-encode/),
  malformed('an unescaped # in the password', 'redis://:can#canary@127.0.0.1', /not a URL/, /percent-encode/),
  malformed('a line break in the password', 'redis://:can\ncanary@127.0.0.1', /line break/, /one line/),
];

const anywhere = (variable: string, rule: RegExp, remedy: RegExp): ExpectedFault => ({
  variable,
  rule,
  remedy,
});

const LINE_BREAK = /ends with a line break, so it is unclear whether the break belongs to the secret/;
const PRINTF = /printf '%s'/;

const variables: readonly Row[] = [
  {
    title: 'no URL at all in development',
    env: () => ({ APP_PROFILE: 'development' }),
    exitCode: MISCONFIGURED,
    faults: (['rateLimit', 'authCache', 'securityTokens', 'billingEvents'] as const).map((purpose) =>
      fault(purpose, 'URL', /not set.*REDIS_URL/, /REDIS_URL.*npm run demo/),
    ),
  },
  {
    title: 'the file of the common URL missing, as one fault',
    env: (s) => ({ APP_PROFILE: 'development', REDIS_URL_FILE: s.files.missing }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('REDIS_URL_FILE', /cannot be read \(ENOENT\)/, /path/)],
  },
  {
    title: 'a URL and a URL file',
    env: (s) =>
      local(s, { SECURITY_TOKEN_REDIS_URL: s.plain.url(), SECURITY_TOKEN_REDIS_URL_FILE: s.files.url }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL', /both.*_URL_FILE/, /one of the two/)],
  },
  {
    title: 'a password file that is missing',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_PASSWORD_FILE: s.files.missing }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'PASSWORD_FILE', /cannot be read \(ENOENT\)/, /path/)],
  },
  {
    title: 'a password file that is empty',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_PASSWORD_FILE: s.files.empty }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'PASSWORD_FILE', /empty/, /value/)],
  },
  {
    title: 'a password file that is a folder',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_PASSWORD_FILE: s.files.folder }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'PASSWORD_FILE', /cannot be read \(EISDIR\)/, /path/)],
  },
  {
    title: 'a password file that ends with a line break',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_PASSWORD_FILE: s.files.lineBreak }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'PASSWORD_FILE', LINE_BREAK, PRINTF)],
  },
  {
    title: 'a URL file that is empty',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_URL_FILE: s.files.empty }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL_FILE', /empty/, /value/)],
  },
  {
    title: 'a URL file that ends with a line break',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_URL_FILE: s.files.urlLineBreak }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL_FILE', LINE_BREAK, PRINTF)],
  },
  {
    title: 'the file of the common URL with a line break, as one fault',
    env: (s) => ({ APP_PROFILE: 'development', REDIS_URL_FILE: s.files.urlLineBreak }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('REDIS_URL_FILE', LINE_BREAK, PRINTF)],
  },
  {
    title: 'a secret of the application in a file that ends with a line break',
    env: (s) => local(s, { OPS_TOKEN_FILE: s.files.lineBreak }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('OPS_TOKEN_FILE', LINE_BREAK, PRINTF)],
  },
  {
    title: 'user and password in the URL and beside it',
    env: (s) =>
      local(s, {
        SECURITY_TOKEN_REDIS_URL: `redis://canary:canary@127.0.0.1:${s.plain.port}`,
        SECURITY_TOKEN_REDIS_USERNAME: 'canary2',
        SECURITY_TOKEN_REDIS_PASSWORD: 'canary3',
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('securityTokens', 'USERNAME', /holds one too/, /exactly one/),
      fault('securityTokens', 'PASSWORD', /holds one too/, /exactly one/),
    ],
  },
  {
    title: 'a topology that is not known',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_TOPOLOGY: 'canary' }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'TOPOLOGY', /must be one of/, /./)],
  },
  {
    title: 'an outage policy that is laxer than the row',
    env: (s) => local(s, { SECURITY_TOKEN_REDIS_OUTAGE: 'degrade' }),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'OUTAGE', /must be one of/, /no laxer value/)],
  },
  {
    title: 'a profile that does not exist',
    env: (s) => local(s, { APP_PROFILE: 'prodcution' }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('APP_PROFILE', /must be one of demo, test, development, staging, production/, /name/)],
  },
  {
    title: 'an engine that does not exist',
    env: (s) => local(s, { REDIS_ENGINE: 'canary' }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('REDIS_ENGINE', /must be one of/, /./)],
  },
  {
    title: 'a required purpose that does not exist',
    env: (s) => local(s, { READINESS_REQUIRED_PURPOSES: 'authCache,securityTokns' }),
    exitCode: MISCONFIGURED,
    faults: [
      anywhere(
        'READINESS_REQUIRED_PURPOSES',
        /securityTokns, which is no active purpose.*securityTokens/,
        /list/,
      ),
    ],
  },
  {
    title: 'a start deadline that is no duration',
    env: (s) => local(s, { REDIS_START_DEADLINE_MS: 'canary' }),
    exitCode: MISCONFIGURED,
    faults: [anywhere('REDIS_START_DEADLINE_MS', /duration/, /./)],
  },
];

export const urlRows: readonly Row[] = [...forms, ...variables];
