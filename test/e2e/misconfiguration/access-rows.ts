import { type ExpectedFault, MISCONFIGURED, type Row, fault, guardedUrl, local, production } from './row.js';
import { passwordOf } from './servers.js';

const ACL = /redis acl --purpose rateLimit/;

/** The user of one purpose goes wrong on a server that asks for users. */
const user = (title: string, name: string, expected: ExpectedFault): Row => ({
  title,
  env: (servers) => local(servers, { RATE_LIMIT_REDIS_URL: guardedUrl(servers, name, true) }),
  exitCode: MISCONFIGURED,
  faults: [expected],
});

const users: readonly Row[] = [
  user(
    'a user that does not exist',
    'canary-nobody',
    fault('rateLimit', 'PASSWORD', /\(auth\)/, /user and password/),
  ),
  user(
    'a user that is switched off',
    'disabled',
    fault('rateLimit', 'PASSWORD', /\(auth\)/, /user and password/),
  ),
  user(
    'a user without two needed commands',
    'lacks-commands',
    fault('rateLimit', 'USERNAME', /refuses zadd, evalsha/, ACL),
  ),
  user('a user without INFO', 'lacks-info', fault('rateLimit', 'USERNAME', /refused INFO \(noperm\)/, ACL)),
  user(
    'a user without CLIENT INFO',
    'lacks-client-info',
    fault('rateLimit', 'USERNAME', /refused CLIENT INFO \(noperm\)/, ACL),
  ),
  user(
    'a user without CLIENT SETNAME',
    'lacks-setname',
    fault('rateLimit', 'USERNAME', /refused CLIENT SETNAME \(noperm\)/, ACL),
  ),
  user('a user without MULTI', 'lacks-multi', fault('rateLimit', 'USERNAME', /refuses multi/, ACL)),
  user(
    'a user for the keys of another',
    'other-keys',
    fault('rateLimit', 'USERNAME', /refuses get, set/, ACL),
  ),
];

const credentials: readonly Row[] = [
  {
    title: 'a wrong password',
    env: (s) =>
      local(s, {
        RATE_LIMIT_REDIS_URL: s.guarded.url({ username: 'rateLimit', password: 'canary-wrong', plain: true }),
      }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'PASSWORD', /refused the user or the password \(auth\)/, /_PASSWORD_FILE/)],
  },
  {
    title: 'no password on a server that asks for one',
    env: (s) => local(s, { RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${s.guarded.plainPort}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'PASSWORD', /\(auth\)/, /user and password/)],
  },
  {
    title: 'a user without a password, so that nobody logs in',
    env: (s) => local(s, { RATE_LIMIT_REDIS_URL: `redis://rateLimit@127.0.0.1:${s.plain.port}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'USERNAME', /user default instead of rateLimit/, /user/)],
  },
  {
    title: 'a database without the right to select one',
    env: (s) => local(s, { RATE_LIMIT_REDIS_URL: `${guardedUrl(s, 'rateLimit', true)}/1` }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'URL', /refused SELECT 1 \(select\)/, /\+select/)],
  },
  {
    title: 'a database that the server does not have',
    env: (s) => local(s, { RATE_LIMIT_REDIS_URL: s.plain.url({ db: 1 }) }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'URL', /refused SELECT 1 \(select\)/, /database that the server has/)],
  },
];

const enforced: readonly Row[] = [
  {
    title: 'in production a user that needs no password',
    env: (s) => production(s, { RATE_LIMIT_REDIS_URL: guardedUrl(s, 'lax') }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('rateLimit', 'URL', /takes any password for user lax \(anonymous\)/, /password on the server/),
    ],
  },
  {
    title: 'in production a server without a password',
    env: (s) => production(s, { RATE_LIMIT_REDIS_URL: s.open.url({ password: 'canary' }) }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'URL', /lets anybody in/, /password on the server/)],
  },
  {
    title: 'in production anonymous access beside a user with a password',
    env: (s) =>
      production(s, {
        AUTH_CACHE_REDIS_URL: s.open.url({ username: 'authCache', password: passwordOf('authCache') }),
      }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'URL', /lets anybody in/, /default user off/)],
  },
  {
    title: 'in production no password',
    env: (s) => production(s, { RATE_LIMIT_REDIS_URL: `rediss://127.0.0.1:${s.open.port}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'PASSWORD', /not set/, /_PASSWORD_FILE/)],
  },
  {
    title: 'in production a user without a password',
    env: (s) => production(s, { RATE_LIMIT_REDIS_URL: `rediss://rateLimit@127.0.0.1:${s.guarded.port}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'PASSWORD', /not set/, /_PASSWORD_FILE/)],
  },
  {
    title: 'in production the default user for personal data',
    env: (s) => production(s, { AUTH_CACHE_REDIS_URL: s.open.url({ password: 'canary' }) }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'USERNAME', /other than default/, /redis acl --purpose authCache/)],
  },
  {
    title: 'in production a connection without TLS',
    env: (s) =>
      production(s, {
        RATE_LIMIT_REDIS_URL: guardedUrl(s, 'rateLimit', true),
        RATE_LIMIT_REDIS_TLS_CA_FILE: '',
      }),
    exitCode: MISCONFIGURED,
    faults: [fault('rateLimit', 'URL', /without TLS/, /rediss:/)],
  },
  {
    title: 'in staging a connection without TLS and without a password',
    env: (s) =>
      production(s, {
        APP_PROFILE: 'staging',
        RATE_LIMIT_REDIS_URL: s.plain.url(),
        RATE_LIMIT_REDIS_TLS_CA_FILE: '',
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('rateLimit', 'URL', /without TLS/, /rediss:/),
      fault('rateLimit', 'PASSWORD', /not set/, /_PASSWORD_FILE/),
    ],
  },
];

export const accessRows: readonly Row[] = [...users, ...credentials, ...enforced];
