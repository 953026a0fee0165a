import { Injectable } from '@nestjs/common';
import { Metrics } from '../../telemetry/index.js';
import { type AppendOutcome, EventLog } from '../log/event-log.js';
import { UNASSIGNED } from '../log/log-entry.js';
import { CustomerTenants } from './customer-tenants.js';
import { type StripeEvent, readStripeEvent } from './stripe-event.js';
import { toBillingEvent } from './to-billing-event.js';

/** Where an event came from. */
export type IngestOrigin = 'webhook' | 'backfill';

/** `unassigned`: kept, and nobody knows whose it is. */
export type IngestResult = 'accepted' | 'unassigned' | 'duplicate';

export interface IngestOutcome extends AppendOutcome {
  /** A UUID, or `_unassigned`; of a duplicate: what this delivery would have been kept as. */
  readonly tenantId: string;
  readonly result: IngestResult;
}

/**
 * The one way into the log, for what Stripe pushes and for what is fetched from it. Nothing is marked as seen before it
 * is kept: the append itself decides whether an event is new, so an attempt that failed may be made again.
 */
@Injectable()
export class Ingest {
  constructor(
    private readonly customers: CustomerTenants,
    private readonly log: EventLog,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param value the event as parsed JSON
   * @param raw the JSON
   * @throws MalformedEventError; RedisUnavailableError, DatabaseUnavailableError: nothing is known to be kept, try again
   */
  take(value: unknown, raw: string, origin: IngestOrigin): Promise<IngestOutcome> {
    return this.keep(readStripeEvent(value), raw, origin);
  }

  /**
   * Those that were taken before, and count as duplicates with this: handing them in would change nothing.
   *
   * @param eventIds a page of them
   * @throws RedisUnavailableError; nothing was counted
   */
  async known(eventIds: readonly string[], origin: IngestOrigin): Promise<ReadonlySet<string>> {
    const known = await this.log.known(eventIds);
    this.metrics.billingIngest.child({ origin, result: 'duplicate' }).inc(known.size);
    return known;
  }

  /** As `take`, of an event that was read. */
  async keep(event: StripeEvent, raw: string, origin: IngestOrigin): Promise<IngestOutcome> {
    const { customerId, tenantHint } = event;
    // Nearly always known: a delivery then waits for the log alone.
    const tenantId =
      this.customers.known(customerId) ?? (await this.customers.tenantOf(customerId, tenantHint));
    const appended = await this.log.append(toBillingEvent(event, tenantId, raw));
    const result = appended.duplicate ? 'duplicate' : tenantId === undefined ? 'unassigned' : 'accepted';
    this.metrics.billingIngest.child({ origin, result }).inc();
    return { ...appended, tenantId: tenantId ?? UNASSIGNED, result };
  }
}
