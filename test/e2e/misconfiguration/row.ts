import type { Environment } from '../../../src/config/index.js';
import { EXIT } from '../../../src/kernel/errors.js';
import { productionSettings } from '../../support/production-settings.js';
import { type Servers, passwordOf } from './servers.js';

/** One line of the report. */
export interface ExpectedFault {
  readonly variable: string;
  /** Undefined where the fault is not about one purpose. */
  readonly purpose?: string;
  readonly rule: RegExp;
  readonly remedy: RegExp;
}

export interface Row<S extends Servers = Servers> {
  /** What is wrong. */
  readonly title: string;
  /** All variables; see `local` and `production`. */
  readonly env: (servers: S) => Environment;
  readonly exitCode: number;
  /** The whole report: as many lines as it must have, no more. */
  readonly faults: readonly ExpectedFault[];
}

export const MISCONFIGURED = EXIT.config;
export const UNREACHABLE = EXIT.unavailable;

export const STEMS = {
  rateLimit: 'RATE_LIMIT_REDIS',
  authCache: 'AUTH_CACHE_REDIS',
  securityTokens: 'SECURITY_TOKEN_REDIS',
  billingEvents: 'BILLING_EVENTS_REDIS',
} as const;
export type PurposeName = keyof typeof STEMS;
export const PURPOSE_NAMES = Object.keys(STEMS) as PurposeName[];

/** The profile that enforces nothing, all purposes on a server that suits them. */
export function local(servers: Servers, changes: Environment = {}): Environment {
  return { APP_PROFILE: 'test', REDIS_URL: servers.plain.url(), REDIS_START_DEADLINE_MS: '3s', ...changes };
}

/** A production that starts: TLS, one ACL user per purpose, AOF, noeviction. */
export function production(servers: Servers, changes: Environment = {}): Environment {
  const urls = PURPOSE_NAMES.flatMap((purpose) => [
    [`${STEMS[purpose]}_URL`, guardedUrl(servers, purpose)],
    [`${STEMS[purpose]}_TLS_CA_FILE`, servers.certificates.ca],
  ]);
  return {
    ...productionSettings(),
    APP_PROFILE: 'production',
    OPS_TOKEN: `canary-${'x'.repeat(32)}`,
    RATE_LIMIT_KEY_SECRET: `canary-${'y'.repeat(32)}`,
    REDIS_START_DEADLINE_MS: '4s',
    ...(Object.fromEntries(urls) as Environment),
    ...changes,
  };
}

/** URL of a user on the server with ACL users; `plain` for its port without TLS. */
export function guardedUrl(servers: Servers, user: string, plain = false): string {
  return servers.guarded.url({ username: user, password: passwordOf(user), plain });
}

/** One fault of a purpose; the variable is named by what follows the purpose's stem. */
export function fault(purpose: PurposeName, suffix: string, rule: RegExp, remedy: RegExp): ExpectedFault {
  return { variable: `${STEMS[purpose]}_${suffix}`, purpose, rule, remedy };
}
