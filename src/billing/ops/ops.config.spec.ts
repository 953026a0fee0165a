import { describe, expect, it } from 'vitest';
import { ConfigModule, SettingsError } from '../../config/index.js';
import { BackfillSettings } from './ops.config.js';

class Root {}

/** Variables that are wrong; empty where the settings are taken. */
async function faultsOf(env: Record<string, string>): Promise<string[]> {
  try {
    await ConfigModule.forRoot({ module: Root, imports: [ConfigModule.forFeature(BackfillSettings)] }, env);
    return [];
  } catch (error) {
    if (error instanceof SettingsError)
      return error.faults.map(({ variable, rule }) => `${variable} ${rule}`);
    throw error;
  }
}

describe('where Stripe is', () => {
  it.each([
    [{ APP_PROFILE: 'production' }],
    [{ APP_PROFILE: 'production', STRIPE_API_BASE: 'https://proxy.example.com/stripe/' }],
    [
      {
        APP_PROFILE: 'test',
        STRIPE_API_BASE: 'http://stripe.internal:8080',
        STRIPE_SECRET_KEY: 'sk_test_1234',
      },
    ],
    [
      {
        APP_PROFILE: 'development',
        STRIPE_API_BASE: 'http://127.0.0.1:1',
        STRIPE_SECRET_KEY: 'sk_live_1234',
      },
    ],
  ])('takes %j', async (env) => {
    expect(await faultsOf(env)).toEqual([]);
  });

  it.each([
    [{ APP_PROFILE: 'production', STRIPE_API_BASE: 'http://127.0.0.1:1' }, 'must be https:// in production'],
    [{ APP_PROFILE: 'staging', STRIPE_API_BASE: 'http://localhost' }, 'must be https:// in staging'],
    [
      { APP_PROFILE: 'test', STRIPE_API_BASE: 'http://far.example', STRIPE_SECRET_KEY: 'rk_live_1234' },
      'a live key',
    ],
    [{ APP_PROFILE: 'test', STRIPE_API_BASE: 'https://me:secret@far.example' }, 'must hold no user'],
    [{ APP_PROFILE: 'test', STRIPE_API_BASE: 'ftp://far.example' }, 'must be an address'],
    [{ APP_PROFILE: 'production', STRIPE_API_BASE: 'https://x/?a=1' }, 'must '],
    [{ APP_PROFILE: 'production', STRIPE_API_BASE: 'x' }, 'must be an address'],
    [{ APP_PROFILE: 'test', STRIPE_SECRET_KEY: 'sk_test_1\r\nHost: x' }, 'must be a key as Stripe shows it'],
    [{ APP_PROFILE: 'test', BILLING_BACKFILL_OVERLAP_S: '-1' }, 'BILLING_BACKFILL_OVERLAP_S'],
  ])('refuses %j', async (env, rule) => {
    const [fault, ...others] = await faultsOf(env);
    expect(others).toEqual([]);
    expect(fault).toContain(rule);
    expect(fault).not.toMatch(/1234|secret/);
  });
});
