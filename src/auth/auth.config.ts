import { Max, Min } from 'class-validator';
import { AccessSettings } from '../access/index.js';
import {
  EnvVariable,
  type Fault,
  type RuleContext,
  type Settings,
  type SettingsRules,
} from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Refresh tokens, known devices, and the keys of what counts attempts. */
export class AuthSettings implements SettingsRules {
  static readonly title = 'Login, refresh tokens and known devices';

  @EnvVariable('AUTH_REFRESH_PEPPER', {
    doc: 'Secrets that authenticate refresh tokens, newest,older: the first signs, all verify. A new one stands second until every instance has it',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  refreshPepper!: Secret;

  @EnvVariable('AUTH_DEVICE_KEYS', {
    doc: 'Secrets that authenticate the tokens of known devices, newest,older: the first signs, all verify. A new one stands second until every instance has it',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  deviceKeys!: Secret;

  @EnvVariable('AUTH_ACCOUNT_PEPPER', {
    doc: 'Secrets of the digests that stand for accounts and addresses in login throttle and lockout, newest,older: the first writes, all read',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  accountPepper!: Secret;

  @EnvVariable('AUTH_REFRESH_IDLE_MS', {
    default: '14d',
    doc: 'A refresh token that is not used for this long ends, 10m to 90d; at most AUTH_SESSION_IDLE_MS',
    parse: parseDurationMs,
  })
  @Min(10 * MINUTE_MS)
  @Max(90 * DAY_MS)
  refreshIdleMs!: number;

  @EnvVariable('AUTH_REFRESH_LIFE_MS', {
    default: '30d',
    doc: 'Refresh tokens of one login end after this, however much they are used, 10m to 365d; at most AUTH_SESSION_LIFE_MS',
    parse: parseDurationMs,
  })
  @Min(10 * MINUTE_MS)
  @Max(365 * DAY_MS)
  refreshLifeMs!: number;

  @EnvVariable('AUTH_REFRESH_GRACE_MS', {
    default: '10s',
    doc: 'For this long a refresh token that was used is answered with the same successor again: requests side by side. 0 to 1m',
    parse: parseDurationMs,
  })
  @Min(0)
  @Max(MINUTE_MS)
  refreshGraceMs!: number;

  @EnvVariable('AUTH_REFRESH_LOST_REPLY_MS', {
    default: '24h',
    doc: 'For this long the last used refresh token is answered so while its successor was never used: its answer was lost. 0 to 7d',
    parse: parseDurationMs,
  })
  @Min(0)
  @Max(7 * DAY_MS)
  refreshLostReplyMs!: number;

  @EnvVariable('AUTH_DEVICE_LIFE_MS', {
    default: '90d',
    doc: 'A device is known for this long after its last login, 1d to 365d',
    parse: parseDurationMs,
  })
  @Min(DAY_MS)
  @Max(365 * DAY_MS)
  deviceLifeMs!: number;

  @EnvVariable('AUTH_UNIFORM_ANSWER_MS', {
    default: '250ms',
    doc: 'Register and forgotten password are answered no sooner, so that the time does not tell whether an account exists. 0 to 5s',
    parse: parseDurationMs,
  })
  @Min(0)
  @Max(5000)
  uniformAnswerMs!: number;

  rules({ settings }: RuleContext): readonly Fault[] {
    const own = settings.of(AuthSettings);
    const faults = sessionFaults(own, settings);
    if (own.refreshIdleMs <= own.refreshLifeMs) return faults;
    return [
      ...faults,
      {
        variable: 'AUTH_REFRESH_IDLE_MS',
        rule: 'is longer than AUTH_REFRESH_LIFE_MS, so that it never ends a refresh token',
        remedy: 'Make it at most as long',
      },
    ];
  }
}

/** A refresh token is worth nothing once its session has ended, whatever its own life. */
function sessionFaults({ refreshIdleMs, refreshLifeMs }: AuthSettings, settings: Settings): Fault[] {
  if (!settings.has(AccessSettings)) return [];
  const { sessionIdleMs, sessionLifeMs } = settings.of(AccessSettings);
  const lives = [
    ['AUTH_REFRESH_IDLE_MS', refreshIdleMs, 'AUTH_SESSION_IDLE_MS', sessionIdleMs],
    ['AUTH_REFRESH_LIFE_MS', refreshLifeMs, 'AUTH_SESSION_LIFE_MS', sessionLifeMs],
  ] as const;
  return lives
    .filter(([, refreshMs, , sessionMs]) => refreshMs > sessionMs)
    .map(([variable, , session]) => ({
      variable,
      rule: `is longer than ${session}, so that clients are told of a life that their session does not have`,
      remedy: `Make it at most as long, or ${session} longer`,
    }));
}
