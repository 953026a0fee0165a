import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Backlogs } from '../../rate-limit/index.js';
import { BillingBacklog } from '../projector/billing-backlog.js';
import { BillingBacklogSettings } from './webhook.config.js';

/** Its depth is in parts of what is borne: above 1, by entries or by age, deliveries are turned away. */
export const BILLING_BACKLOG = 'billing-projector';

/** Stripe comes again after an hour or so, whatever it is told; others that deliver for it do as they are told. */
const RETRY_AFTER_MS = 30_000;

/** Turns deliveries away while the projector is far behind: what it cannot bear, Stripe keeps for three days. */
@Injectable()
export class BillingPressure implements OnModuleInit {
  constructor(
    private readonly backlogs: Backlogs,
    private readonly backlog: BillingBacklog,
    private readonly settings: BillingBacklogSettings,
  ) {}

  onModuleInit(): void {
    this.backlogs.register(BILLING_BACKLOG, {
      depth: () => this.share(),
      mark: 1,
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  private share(): number {
    const { entries, oldestAgeMs } = this.backlog.depth();
    const { mostEntries, mostAgeS } = this.settings;
    return Math.max(entries / mostEntries, oldestAgeMs / (mostAgeS * 1000));
  }
}
