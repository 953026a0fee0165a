import { describe, expect, it } from 'vitest';
import { ConfigModule, judge } from '../../config/index.js';
import { BillingBacklogSettings, StripeWebhookSettings } from './webhook.config.js';

const SECRET = 'whsec_'.padEnd(38, 'x');
const TOLERANCE = 'STRIPE_WEBHOOK_TOLERANCE_S';

function faults(env: Readonly<Record<string, string>>): string[] {
  const modules = [StripeWebhookSettings, BillingBacklogSettings].map((type) =>
    ConfigModule.forFeature(type),
  );
  return judge(modules, { STRIPE_WEBHOOK_SECRET: SECRET, ...env }).faults.map(
    ({ variable, rule }) => `${variable} ${rule}`,
  );
}

describe('The settings of the webhook', () => {
  it('have 300 seconds of tolerance where nobody says more', () => {
    const { settings } = judge([ConfigModule.forFeature(StripeWebhookSettings)], {
      APP_PROFILE: 'production',
      STRIPE_WEBHOOK_SECRET: SECRET,
    });
    expect(settings.of(StripeWebhookSettings).toleranceS).toBe(300);
  });

  it.each(['development', 'staging', 'production'])('are refused without a tolerance in %s', (profile) => {
    expect(faults({ APP_PROFILE: profile, [TOLERANCE]: '0' })).toEqual([
      expect.stringMatching(/^STRIPE_WEBHOOK_TOLERANCE_S is 0/),
    ]);
    for (const blank of ['', '  '])
      expect(faults({ APP_PROFILE: profile, [TOLERANCE]: blank })).toEqual([
        expect.stringMatching(/^STRIPE_WEBHOOK_TOLERANCE_S (is blank|must be a number)/),
      ]);
  });

  it.each([{}, { STRIPE_WEBHOOK_SECRET: 'short' }])('send whoever lacks a secret to Stripe: %j', (given) => {
    const env = { APP_PROFILE: 'production', ...given };
    const [fault] = judge([ConfigModule.forFeature(StripeWebhookSettings)], env).faults;
    expect(fault).toMatchObject({
      variable: 'STRIPE_WEBHOOK_SECRET',
      remedy: expect.stringMatching(/^Copy the signing secret \(whsec_…\).*dashboard.*stripe listen/),
    });
  });

  it('warn of a secret that is none of Stripe, outside local profiles', () => {
    const warned = (APP_PROFILE: string, secret: string) => {
      const env = { APP_PROFILE, STRIPE_WEBHOOK_SECRET: secret };
      const { settings, faults } = judge([ConfigModule.forFeature(StripeWebhookSettings)], env);
      expect(faults).toEqual([]);
      return settings.warnings;
    };
    const other = 'r'.repeat(40);
    expect(warned('staging', SECRET)).toEqual([]);
    expect(warned('development', other)).toEqual([]);
    for (const profile of ['staging', 'production'])
      expect(warned(profile, `${SECRET},${other}`)).toEqual([
        expect.stringContaining('STRIPE_WEBHOOK_SECRET: does not begin with whsec_'),
      ]);
    expect(warned('staging', other).join('')).not.toContain(other);
  });

  it.each(['demo', 'test'])('may have none in %s', (profile) => {
    expect(faults({ APP_PROFILE: profile, [TOLERANCE]: '0' })).toEqual([]);
  });

  it.each([
    [{ [TOLERANCE]: '-1' }, /^STRIPE_WEBHOOK_TOLERANCE_S must not be less than 0/],
    [{ [TOLERANCE]: '3601' }, /^STRIPE_WEBHOOK_TOLERANCE_S must not be greater than 3600/],
    [{ BILLING_BACKLOG_MAX: '0' }, /^BILLING_BACKLOG_MAX must not be less than 1/],
    [{ BILLING_BACKLOG_MAX_AGE: 'soon' }, /^BILLING_BACKLOG_MAX_AGE must be a number/],
    [{ STRIPE_WEBHOOK_SECRET: '' }, /^STRIPE_WEBHOOK_SECRET must be set in production/],
    [{ STRIPE_WEBHOOK_SECRET: 'short' }, /^STRIPE_WEBHOOK_SECRET has fewer than 32 bytes/],
    [{ STRIPE_WEBHOOK_SECRET: [1, 2, 3, 4, 5, 6].map((n) => SECRET + n).join() }, /more than 5 secrets/],
  ])('are refused in production with %j', (env, fault) => {
    expect(faults({ APP_PROFILE: 'production', ...(env as Record<string, string>) })).toEqual([
      expect.stringMatching(fault),
    ]);
  });

  it('make a secret up where one is not given locally', () => {
    expect(faults({ APP_PROFILE: 'demo', STRIPE_WEBHOOK_SECRET: '' })).toEqual([]);
  });
});
