import type { Environment } from '../../../src/config/index.js';
import {
  MISCONFIGURED,
  PURPOSE_NAMES,
  type PurposeName,
  type Row,
  STEMS,
  UNREACHABLE,
  fault,
  guardedUrl,
  local,
  production,
} from './row.js';
import { type Servers, passwordOf } from './servers.js';

const ADDRESS = /Correct the address/;

const evicting = (servers: Servers, purpose: PurposeName): Environment =>
  production(servers, {
    [`${STEMS[purpose]}_URL`]: servers.evicting.url({ password: passwordOf('default') }),
  });

const kinds: readonly Row[] = [
  {
    title: 'in production a server that evicts security tokens',
    env: (s) => evicting(s, 'securityTokens'),
    exitCode: MISCONFIGURED,
    faults: [fault('securityTokens', 'URL', /allkeys-lru.*\(eviction\)/, /maxmemory-policy noeviction/)],
  },
  {
    title: 'in production a server that evicts billing events',
    env: (s) => evicting(s, 'billingEvents'),
    exitCode: MISCONFIGURED,
    faults: [
      fault('billingEvents', 'URL', /allkeys-lru.*\(eviction\)/, /maxmemory-policy noeviction/),
      fault('billingEvents', 'URL', /AOF is off.*\(persistence\)/, /appendonly/),
    ],
  },
  {
    title: 'in production a server without AOF for billing events',
    env: (s) => production(s, { BILLING_EVENTS_REDIS_URL: s.noAof.url() }),
    exitCode: MISCONFIGURED,
    faults: [fault('billingEvents', 'URL', /AOF is off.*\(persistence\)/, /appendonly/)],
  },
  {
    title: 'a replica',
    env: (s) => local(s, { AUTH_CACHE_REDIS_URL: s.replica.url() }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'URL', /replica, which takes no writes/, /primary/)],
  },
  {
    title: 'a web server',
    env: (s) => local(s, { AUTH_CACHE_REDIS_URL: `redis://:canary@127.0.0.1:${s.httpPort}` }),
    exitCode: MISCONFIGURED,
    faults: [fault('authCache', 'URL', /not a Redis server.*\(protocol\)/, ADDRESS)],
  },
  {
    title: 'in production the embedded engine',
    env: (s) => production(s, { REDIS_ENGINE: 'embedded' }),
    exitCode: MISCONFIGURED,
    faults: [
      { variable: 'REDIS_ENGINE', rule: /embedded, which production refuses/, remedy: /real servers/ },
    ],
  },
  {
    title: 'in production the verification of certificates switched off',
    env: (s) => production(s, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    exitCode: MISCONFIGURED,
    faults: [
      { variable: 'NODE_TLS_REJECT_UNAUTHORIZED', rule: /every certificate off/, remedy: /_TLS_CA_FILE/ },
    ],
  },
];

/** Not reached by a purpose without which the application must not start. */
const unreachable = (title: string, url: (servers: Servers) => string, rule: RegExp): Row => ({
  title,
  env: (servers) =>
    local(servers, {
      BILLING_EVENTS_REDIS_URL: url(servers),
      READINESS_REQUIRED_PURPOSES: 'billingEvents',
      REDIS_START_DEADLINE_MS: '1500ms',
    }),
  exitCode: UNREACHABLE,
  faults: [fault('billingEvents', 'URL', rule, ADDRESS)],
});

const away: readonly Row[] = [
  unreachable(
    'a port where nothing listens',
    (s) => `redis://:canary@127.0.0.1:${s.refusedPort}`,
    /\(refused\)/,
  ),
  unreachable('a black hole', (s) => `redis://:canary@127.0.0.1:${s.blackHole.port}`, /\(timeout\)/),
  unreachable(
    'a black hole behind TLS',
    (s) => `rediss://:canary@127.0.0.1:${s.blackHole.port}`,
    /\(timeout\)/,
  ),
  unreachable('a name that nobody knows', () => 'redis://:canary@redis.nowhere.invalid', /\(dns\)/),
  {
    title: 'one server for every purpose, and it is away',
    env: (s) => ({
      APP_PROFILE: 'test',
      REDIS_URL: `redis://127.0.0.1:${s.refusedPort}`,
      REDIS_START_DEADLINE_MS: '500ms',
    }),
    exitCode: UNREACHABLE,
    faults: PURPOSE_NAMES.map((purpose) => ({
      variable: 'REDIS_URL',
      purpose,
      rule: /nothing listens there \(refused\)/,
      remedy: ADDRESS,
    })),
  },
];

const several: readonly Row[] = [
  {
    title: 'a wrong password for one purpose and a missing database for another',
    env: (s) =>
      local(s, {
        AUTH_CACHE_REDIS_URL: guardedUrl(s, 'canary-nobody', true),
        BILLING_EVENTS_REDIS_URL: s.plain.url({ db: 3 }),
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('authCache', 'PASSWORD', /\(auth\)/, /user and password/),
      fault('billingEvents', 'URL', /SELECT 3 \(select\)/, /database/),
    ],
  },
  {
    title: 'a misconfigured purpose beside one that is away, which alone would not matter',
    env: (s) =>
      local(s, {
        AUTH_CACHE_REDIS_URL: s.replica.url(),
        BILLING_EVENTS_REDIS_URL: `redis://127.0.0.1:${s.refusedPort}`,
        REDIS_START_DEADLINE_MS: '500ms',
      }),
    exitCode: MISCONFIGURED,
    faults: [
      fault('authCache', 'URL', /replica/, /primary/),
      fault('billingEvents', 'URL', /\(refused\)/, ADDRESS),
    ],
  },
  {
    title: 'four faults in the variables of three modules',
    env: (s) =>
      production(s, {
        OPS_TOKEN: 'canary',
        RATE_LIMIT_KEY_SECRET: 'canary',
        RATE_LIMIT_REDIS_URL: 'redis://canary:canary@h/x',
        BILLING_EVENTS_REDIS_PASSWORD: 'canary',
      }),
    exitCode: MISCONFIGURED,
    faults: [
      { variable: 'OPS_TOKEN', rule: /32 bytes/, remedy: /random/ },
      { variable: 'RATE_LIMIT_KEY_SECRET', rule: /same value as/, remedy: /of its own/ },
      fault('rateLimit', 'URL', /whole number/, /\/0/),
      fault('billingEvents', 'PASSWORD', /holds one too/, /exactly one/),
    ],
  },
];

export const serverRows: readonly Row[] = [...kinds, ...away, ...several];
