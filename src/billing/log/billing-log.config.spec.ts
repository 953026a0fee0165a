import { describe, expect, it } from 'vitest';
import { ConfigModule, type Environment, judge } from '../../config/index.js';
import { BillingLogSettings } from './billing-log.config.js';

const judged = (env: Environment) =>
  judge([ConfigModule.forFeature(BillingLogSettings)], { APP_PROFILE: 'production', ...env });
const settingsOf = (env: Environment) => judged(env).settings.of(BillingLogSettings);
const faultsOf = (env: Environment) => judged(env).faults.map(({ variable, rule }) => `${variable}: ${rule}`);

describe('the settings of the billing log', () => {
  it('keep the log for 35 days, a tenant for 7 and a million entries, and need nothing', () => {
    expect(faultsOf({})).toEqual([]);
    const { retentionMs, tenantRetentionMs, mostEntries, markSeconds } = settingsOf({});
    expect([retentionMs, tenantRetentionMs]).toEqual([35 * 86_400_000, 7 * 86_400_000]);
    expect([mostEntries, markSeconds]).toEqual([1_000_000, 35 * 86_400]);
  });

  it('know an event for 35 days at least, and for as long as the log has it', () => {
    const marks = (days: string) =>
      settingsOf({ BILLING_STREAM_RETENTION_DAYS: days, BILLING_TENANT_RETENTION_DAYS: '1' }).markSeconds;
    expect(marks('1')).toBe(35 * 86_400);
    expect(marks('90')).toBe(90 * 86_400);
  });

  it('do not let a tenant see more than the log has', () => {
    expect(faultsOf({ BILLING_STREAM_RETENTION_DAYS: '6' })).toEqual([
      'BILLING_TENANT_RETENTION_DAYS: must not be more than BILLING_STREAM_RETENTION_DAYS',
    ]);
    expect(faultsOf({ BILLING_STREAM_RETENTION_DAYS: '7' })).toEqual([]);
  });

  it.each([
    ['BILLING_TENANT_RETENTION_DAYS', '0'],
    ['BILLING_STREAM_RETENTION_DAYS', '366'],
    ['BILLING_TENANT_RETENTION_DAYS', '1.5'],
    ['BILLING_STREAM_MAXLEN', '999'],
    ['BILLING_STREAM_MAXLEN', 'many'],
  ])('refuse %s=%s', (variable, text) => {
    const { faults } = judged({ [variable]: text });
    expect(faults.map((fault) => fault.variable)).toEqual([variable]);
  });
});
