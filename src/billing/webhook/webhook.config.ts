import { Max, Min } from 'class-validator';
import {
  EnvVariable,
  type Fault,
  type RuleContext,
  type SettingsRules,
  isLocal,
} from '../../config/index.js';
import { keysOf } from '../../kernel/key-ring.js';
import { Secret } from '../../kernel/redact.js';

const HOUR_S = 3600;
/** Each costs an HMAC per delivery; Stripe itself knows two while one is rolled. */
const MOST_SECRETS = 5;

const SECRET_REMEDY =
  "Copy the signing secret (whsec_…) of this endpoint from Stripe's dashboard, or what `stripe listen` prints";
/** What Stripe's secrets begin with. */
const PREFIX = 'whsec_';

/** What Stripe's deliveries are judged by. */
export class StripeWebhookSettings implements SettingsRules {
  static readonly title = 'Stripe webhook';

  @EnvVariable('STRIPE_WEBHOOK_SECRET', {
    doc: 'Signing secrets of the webhook endpoint as Stripe shows them (whsec_…), newest,older, at most 5: any of them verifies, so that one can be rolled',
    file: true,
    ownSecret: 'generated',
    ring: true,
    remedy: SECRET_REMEDY,
  })
  secrets!: Secret;

  @EnvVariable('STRIPE_WEBHOOK_TOLERANCE_S', {
    default: '300',
    doc: 'A signature older than this, or further in the future, is refused; seconds, at most 3600. 0 looks at no time: demo and test only',
  })
  @Min(0)
  @Max(HOUR_S)
  toleranceS!: number;

  rules({ env, profile, settings }: RuleContext): readonly Fault[] {
    // Outside local profiles there may be no secret yet, which is a fault of its own.
    const { secrets, toleranceS }: Partial<StripeWebhookSettings> = settings.of(StripeWebhookSettings);
    const faults: Fault[] = [];
    if (secrets && keysOf(secrets).length > MOST_SECRETS)
      faults.push({
        variable: 'STRIPE_WEBHOOK_SECRET',
        rule: `has more than ${MOST_SECRETS} secrets`,
        remedy: 'Keep those that an endpoint of Stripe still signs with',
      });
    if (!isLocal(profile) && secrets && keysOf(secrets).some((secret) => !secret.startsWith(PREFIX)))
      settings.warn(
        `STRIPE_WEBHOOK_SECRET: does not begin with ${PREFIX}, as those of Stripe do: no delivery would verify. ${SECRET_REMEDY}.`,
      );
    if (profile === 'demo' || profile === 'test') return faults;
    // Blank counts as unset elsewhere; here it is what a template leaves behind that was meant to say something.
    const blank = env['STRIPE_WEBHOOK_TOLERANCE_S']?.trim() === '';
    if (toleranceS === 0 || blank)
      faults.push({
        variable: 'STRIPE_WEBHOOK_TOLERANCE_S',
        rule: blank
          ? 'is blank'
          : 'is 0, so that a delivery which somebody has kept is accepted however old it is',
        remedy: 'Give seconds, for instance 300, or leave the variable out',
      });
    return faults;
  }
}

/** How far the projector may fall behind before new events are turned away for a while. */
export class BillingBacklogSettings {
  static readonly title = 'Billing backlog';

  @EnvVariable('BILLING_BACKLOG_MAX', {
    default: '100000',
    doc: 'Entries that wait for the projector; above this the webhook answers 503 and Stripe comes back later. 1 to 10000000',
  })
  @Min(1)
  @Max(10_000_000)
  mostEntries!: number;

  @EnvVariable('BILLING_BACKLOG_MAX_AGE', {
    default: '900',
    doc: 'Seconds for which an entry waits for the projector; above this the webhook answers 503. 1 to 86400',
  })
  @Min(1)
  @Max(24 * HOUR_S)
  mostAgeS!: number;
}
