import { IsNotEmpty, MaxLength, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type RuleContext, type SettingsRules } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';
import { parseSigningKeys } from './signing-key.js';

/** Valid as it is, on one line; what openssl genpkey makes is valid as well. */
const SIGNING_KEY_REMEDY = 'Make one of its own with: openssl rand -base64 32';
const DAY_MS = 86_400_000;

/** Access tokens and sessions. */
export class AccessSettings implements SettingsRules {
  static readonly title = 'Access tokens and sessions';

  @EnvVariable('AUTH_ISSUER', {
    default: 'bulkhead',
    doc: 'Who issues access tokens (iss), and refuses those of anybody else; usually the public URL of the service',
  })
  @IsNotEmpty()
  @MaxLength(200)
  issuer!: string;

  @EnvVariable('AUTH_AUDIENCE', {
    default: 'bulkhead-api',
    doc: 'For whom access tokens are (aud); another one for each deployment that shares an issuer',
  })
  @IsNotEmpty()
  @MaxLength(200)
  audience!: string;

  @EnvVariable('AUTH_ACCESS_TOKEN_LIFE_MS', {
    default: '10m',
    doc: 'How long an access token holds, 1m to 1h; each is up to 5 % shorter, so that they do not all end at once',
    parse: parseDurationMs,
  })
  @Min(60_000)
  @Max(3_600_000)
  tokenLifeMs!: number;

  @EnvVariable('AUTH_SESSION_IDLE_MS', {
    default: '14d',
    doc: 'A session that is not used for this long ends, 10m to 90d',
    parse: parseDurationMs,
  })
  @Min(600_000)
  @Max(90 * DAY_MS)
  sessionIdleMs!: number;

  @EnvVariable('AUTH_SESSION_LIFE_MS', {
    default: '30d',
    doc: 'A session ends after this whatever happens, 10m to 365d',
    parse: parseDurationMs,
  })
  @Min(600_000)
  @Max(365 * DAY_MS)
  sessionLifeMs!: number;

  @EnvVariable('AUTH_SIGNING_KEYS', {
    doc:
      'Ed25519 private keys of access tokens, newest,older: 32 random bytes as base64 each, or a PEM. The first signs, ' +
      'all verify. A new one stands second until every instance has it',
    file: true,
    ownSecret: 'generated',
    ring: true,
    remedy: SIGNING_KEY_REMEDY,
  })
  signingKeys!: Secret;

  @EnvVariable('AUTH_PII_KEYS', {
    doc: 'Secrets under which addresses and user agents of sessions are sealed in Redis, newest,older: the first seals, all open',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  piiKeys!: Secret;

  rules({ settings }: RuleContext): readonly Fault[] {
    const access = settings.of(AccessSettings);
    return [...keyFaults(access), ...timeFaults(access)];
  }
}

function keyFaults({ signingKeys }: AccessSettings): Fault[] {
  try {
    parseSigningKeys(signingKeys.reveal());
    return [];
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'is not valid';
    return [{ variable: 'AUTH_SIGNING_KEYS', rule, remedy: SIGNING_KEY_REMEDY }];
  }
}

function timeFaults({ sessionIdleMs, sessionLifeMs }: AccessSettings): Fault[] {
  if (sessionIdleMs <= sessionLifeMs) return [];
  return [
    {
      variable: 'AUTH_SESSION_IDLE_MS',
      rule: 'is longer than AUTH_SESSION_LIFE_MS, so that it never ends a session',
      remedy: 'Make it at most as long',
    },
  ];
}
