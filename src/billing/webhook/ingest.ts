import { Injectable, Logger } from '@nestjs/common';
import { type Settler, settled } from '../../kernel/settler.js';
import { type CountSeries, Metrics } from '../../telemetry/index.js';
import { type AppendOutcome, EventLog } from '../log/event-log.js';
import { type BillingEvent, UNASSIGNED } from '../log/log-entry.js';
import type { PackedText } from '../log/packing.js';
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

/** An event that is to be kept. */
export interface ReadEvent {
  readonly event: StripeEvent;
  /** JSON as it was received. */
  readonly raw: string | PackedText;
  readonly origin: IngestOrigin;
}

/**
 * The one way into the log, for what Stripe pushes and for what is fetched from it. Nothing is marked as seen before it
 * is kept: the append itself decides whether an event is new, so an attempt that failed may be made again.
 */
@Injectable()
export class Ingest {
  private readonly logger = new Logger('Ingest');
  private readonly taken: Readonly<Record<IngestOrigin, Readonly<Record<IngestResult, CountSeries>>>>;

  constructor(
    private readonly customers: CustomerTenants,
    private readonly log: EventLog,
    { billingIngest }: Metrics,
  ) {
    const of = (origin: IngestOrigin) => ({
      accepted: billingIngest.child({ origin, result: 'accepted' }),
      unassigned: billingIngest.child({ origin, result: 'unassigned' }),
      duplicate: billingIngest.child({ origin, result: 'duplicate' }),
    });
    this.taken = { webhook: of('webhook'), backfill: of('backfill') };
  }

  /**
   * @param value the event as parsed JSON
   * @param raw the JSON
   * @throws MalformedEventError; RedisUnavailableError, DatabaseUnavailableError: nothing is known to be kept, try again
   */
  take(value: unknown, raw: string, origin: IngestOrigin): Promise<IngestOutcome> {
    const event = readStripeEvent(value);
    return settled((settler) => this.keep({ event, raw, origin }, settler));
  }

  /**
   * Those that were taken before, and count as duplicates with this: handing them in would change nothing.
   *
   * @param eventIds a page of them
   * @throws RedisUnavailableError; nothing was counted
   */
  async known(eventIds: readonly string[], origin: IngestOrigin): Promise<ReadonlySet<string>> {
    const known = await this.log.known(eventIds);
    this.taken[origin].duplicate.inc(known.size);
    return known;
  }

  /** As `take`, of an event that was read; the settler is told. */
  keep(read: ReadEvent, settler: Settler<IngestOutcome>): void {
    const { customerId, tenantHint } = read.event;
    // Nearly always known: a delivery then waits for the log alone.
    const known = this.customers.known(customerId);
    if (known !== undefined) return this.append(read, known, settler);
    this.customers
      .tenantOf(customerId, tenantHint)
      .then(
        (tenantId) => this.append(read, tenantId, settler),
        (error: unknown) => settler.reject(error),
      )
      // Whoever is told threw: nobody waits for this promise, and its rejection would end the process.
      .catch((error: unknown) => this.logger.error(error));
  }

  private append(
    { event, raw, origin }: ReadEvent,
    tenantId: string | undefined,
    settler: Settler<IngestOutcome>,
  ): void {
    let told: BillingEvent;
    try {
      told = toBillingEvent(event, tenantId, raw);
    } catch (error) {
      return settler.reject(error);
    }
    this.log.keep(told, {
      resolve: (appended) => {
        const result = appended.duplicate ? 'duplicate' : tenantId === undefined ? 'unassigned' : 'accepted';
        this.taken[origin][result].inc();
        settler.resolve({ ...appended, tenantId: tenantId ?? UNASSIGNED, result });
      },
      reject: (error) => settler.reject(error),
    });
  }
}
