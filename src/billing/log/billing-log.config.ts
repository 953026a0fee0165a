import { IsInt, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type RuleContext, type SettingsRules } from '../../config/index.js';

const MS_PER_DAY = 86_400_000;
/** Stripe forgets events after 30 days: a mark that lives longer meets no event twice. */
const LEAST_MARK_DAYS = 35;

/** How much of what happened is kept in Redis. */
export class BillingLogSettings implements SettingsRules {
  static readonly title = 'Billing events';

  @EnvVariable('BILLING_STREAM_RETENTION_DAYS', {
    doc: 'Days that events are kept in the log; what the projector has not acknowledged stays longer',
    default: '35',
  })
  @IsInt()
  @Min(1)
  @Max(365)
  retentionDays!: number;

  @EnvVariable('BILLING_TENANT_RETENTION_DAYS', {
    doc: 'Days that a tenant can read its events again and resume a stream; not longer than the log',
    default: '7',
  })
  @IsInt()
  @Min(1)
  @Max(365)
  tenantRetentionDays!: number;

  @EnvVariable('BILLING_STREAM_MAXLEN', {
    doc: 'Entries that the log, and each stream of a tenant, keep at most: about 1 to 4 kB of memory each',
    default: '1000000',
  })
  @IsInt()
  @Min(1000)
  @Max(1_000_000_000)
  mostEntries!: number;

  rules({ settings }: RuleContext): readonly Fault[] {
    const { retentionDays, tenantRetentionDays } = settings.of(BillingLogSettings);
    if (tenantRetentionDays <= retentionDays) return [];
    return [
      {
        variable: 'BILLING_TENANT_RETENTION_DAYS',
        rule: 'must not be more than BILLING_STREAM_RETENTION_DAYS',
        remedy: 'Keep the log at least as long as what tenants see of it',
      },
    ];
  }

  get retentionMs(): number {
    return this.retentionDays * MS_PER_DAY;
  }

  get tenantRetentionMs(): number {
    return this.tenantRetentionDays * MS_PER_DAY;
  }

  /** How long an event is known to have been taken, seconds. */
  get markSeconds(): number {
    return (Math.max(this.retentionDays, LEAST_MARK_DAYS) * MS_PER_DAY) / 1000;
  }
}
