import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';
import {
  EnvVariable,
  type Fault,
  type RuleContext,
  type SettingsRules,
  isLocal,
} from '../../config/index.js';
import { Secret } from '../../kernel/redact.js';
import { parseDurationMs } from '../../kernel/time.js';

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Where events are fetched that the webhook did not bring, and how. */
export class BackfillSettings implements SettingsRules {
  static readonly title = 'Billing backfill';

  @EnvVariable('STRIPE_SECRET_KEY', {
    doc: 'Key of the Stripe account, for backfills only: a restricted one that may read events is enough. Unset: no backfill',
    example: 'rk_live_…',
    file: true,
    secret: true,
    parse: (text) => {
      if (!/^[\x21-\x7e]{8,255}$/.test(text)) throw new Error('must be a key as Stripe shows it');
      return text;
    },
  })
  @IsOptional()
  secretKey?: Secret;

  @EnvVariable('STRIPE_API_BASE', {
    default: 'https://api.stripe.com',
    doc: 'Where the API of Stripe is; another one for tests. Staging and production refuse http://',
    parse: apiBaseOf,
  })
  apiBase!: string;

  @EnvVariable('BILLING_BACKFILL_OVERLAP_S', {
    default: '300',
    doc: 'A backfill begins so long before where the last one ended, for events that Stripe showed late; seconds, 0 to 86400',
  })
  @IsInt()
  @Min(0)
  @Max(86_400)
  overlapS!: number;

  @EnvVariable('BILLING_BACKFILL_LAG_S', {
    default: '60',
    doc: 'A backfill reads no events that are newer than this: the list of Stripe is not complete at once; seconds, 0 to 3600',
  })
  @IsInt()
  @Min(0)
  @Max(3600)
  lagS!: number;

  @EnvVariable('BILLING_BACKFILL_LOCK', {
    default: '30s',
    doc: 'A backfill whose process has died can be gone on with after this, 3s to 10m',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(3000)
  @Max(600_000)
  lockMs!: number;

  rules({ profile, settings }: RuleContext): readonly Fault[] {
    const { apiBase, secretKey } = settings.of(BackfillSettings);
    // Malformed: that is told already.
    if (!URL.canParse(apiBase)) return [];
    const { protocol, hostname } = new URL(apiBase);
    if (protocol === 'https:') return [];
    const fault = (rule: string): Fault => ({
      variable: 'STRIPE_API_BASE',
      rule,
      remedy: 'Give an https:// address, or leave the variable out: https://api.stripe.com',
    });
    if (!isLocal(profile))
      return [fault(`must be https:// in ${profile}: the key would go out in the clear`)];
    const live = /^[rs]k_live_/.test(secretKey?.reveal() ?? '');
    return live && !LOCAL_HOSTS.has(hostname) ? [fault('would send a live key in the clear')] : [];
  }
}

/** What instances make up for when they start. */
export class ReplaySettings {
  static readonly title = 'Billing replay';

  @EnvVariable('BILLING_REPLAY_ON_START', {
    default: 'false',
    doc: 'true: the first instance that starts applies again what SQL does not have of the log, and the dead letters',
  })
  @IsBoolean()
  onStart!: boolean;
}

/** Origin and path, without a slash at the end. */
function apiBaseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Error('must be an address such as https://api.stripe.com');
  if (url.username || url.password || url.search || url.hash)
    throw new Error('must hold no user, no password, no "?" and no "#"');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
