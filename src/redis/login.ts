import type { Fault, Profile } from '../config/index.js';
import type { Secret } from '../kernel/redact.js';
import { isUrlFault } from '../config/index.js';
import { type ParsedRedisUrl, type RedisTarget, parseRedisUrl } from './connection-url.js';
import type { Credentials } from './live-access.js';
import type { PurposeDefinition } from './purposes.js';
import type { PurposeSettings, RedisSettings } from './redis.config.js';
import type { CredentialProvider } from './rotation/credential-provider.js';

export interface ConnectionRequest {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly own: PurposeSettings;
  readonly shared: RedisSettings;
  readonly profile: Profile;
  /** REDIS_URL was given but cannot be read: a fault of its own, reported once and not for every purpose. */
  readonly sharedUrlBroken?: boolean;
  /** A URL given in code wins over every variable. */
  readonly explicitUrl?: Secret;
  /** Gives the password, and perhaps the user, in place of every variable. */
  readonly provider?: CredentialProvider;
}

/** Where a purpose's server is and how it logs in there, and which variable said so. */
export interface Login {
  readonly source: string;
  readonly target: RedisTarget;
  /** Without a password where a provider gives it. */
  readonly credentials: Credentials;
  /** For the Sentinels, where there are some; they have users of their own. */
  readonly sentinels: Credentials;
  /** The variables contradict each other. */
  readonly faults: readonly Fault[];
}

/**
 * Reads URL, user name and password: URL in code › own variable › REDIS_URL.
 *
 * @returns undefined without a URL, a fault where it cannot be read
 */
export function resolveLogin(request: ConnectionRequest): Login | Fault | undefined {
  const { own, shared, purpose, provider } = request;
  const chosen = chooseUrl(request);
  if (!chosen) return undefined;
  const { url, source } = chosen;
  const parsed = parseRedisUrl(url);
  if (isUrlFault(parsed)) return { variable: source, purpose, ...parsed };
  const { host, port, db } = parsed;
  const username = own.username ?? parsed.username;
  // A provider's own wins over the URL that all purposes share; beside any other it is a fault.
  const password = provider ? undefined : (own.password ?? parsed.password);
  return {
    source,
    target: { tls: parsed.tls || shared.tls, host, port, db },
    credentials: credentialsOf(username, password),
    sentinels: credentialsOf(own.sentinelUsername, own.sentinelPassword),
    faults: [...ambiguous(request, source, parsed), ...besideProvider(request, source, parsed)],
  };
}

function credentialsOf(username: string | undefined, password: Secret | undefined): Credentials {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function chooseUrl({ explicitUrl, own, shared, definition }: ConnectionRequest) {
  if (explicitUrl) return { url: explicitUrl, source: 'RedisModule.forRoot' };
  if (own.url) return { url: own.url, source: `${definition.env}_URL` };
  if (shared.url) return { url: shared.url, source: 'REDIS_URL' };
  return undefined;
}

const ONE_OF_THEM = 'Keep exactly one of the two';

function ambiguous(
  { own, definition, purpose }: ConnectionRequest,
  source: string,
  parsed: ParsedRedisUrl,
): Fault[] {
  // Beside REDIS_URL the purpose's own variables are the way to differ from the others.
  if (source === 'REDIS_URL') return [];
  const twice = (field: 'username' | 'password', suffix: string): Fault[] =>
    parsed[field] !== undefined && own[field] !== undefined
      ? [
          {
            variable: `${definition.env}_${suffix}`,
            purpose,
            rule: `is set although ${source} holds one too, so it is unclear which one holds`,
            remedy: ONE_OF_THEM,
          },
        ]
      : [];
  return [...twice('username', 'USERNAME'), ...twice('password', 'PASSWORD')];
}

function besideProvider(
  { own, definition, purpose, provider }: ConnectionRequest,
  source: string,
  parsed: ParsedRedisUrl,
): Fault[] {
  if (!provider) return [];
  const inCode = 'RedisModule.forRoot gives a credential provider';
  const fault = (variable: string, does: string): Fault[] => [
    {
      variable,
      purpose,
      rule: `${does} although ${inCode}, so it is unclear which one holds`,
      remedy: ONE_OF_THEM,
    },
  ];
  if (own.password) return fault(`${definition.env}_PASSWORD`, 'is set');
  return parsed.password && source !== 'REDIS_URL' ? fault(source, 'holds a password') : [];
}
