import { Injectable } from '@nestjs/common';
import { EventLog } from '../../log/event-log.js';
import { type LogEntry, UNASSIGNED } from '../../log/log-entry.js';
import { CustomerTenants } from '../../webhook/customer-tenants.js';
import { type StripeEvent, readStripeEvent } from '../../webhook/stripe-event.js';
import { toBillingEvent } from '../../webhook/to-billing-event.js';
import { CustomerUnknownError } from '../../webhook/webhook.errors.js';
import { ASSIGNMENT, type ReplayWork } from './replay-target.js';
import { type Retelling, StreamReplay } from './stream-replay.js';

/** Customers of a page are few, and SQL is asked once for each of them. */
const AT_ONCE = 16;

type Found = Retelling | 'assigned' | 'no-customer' | 'unknown-customer' | 'gone' | 'unreadable';

/**
 * Gives events that nobody owned to the tenant that their customer has by now: as entries of that tenant, flagged as
 * replayed. The old ones stay where they are.
 */
@Injectable()
export class AssignReplay implements ReplayWork {
  constructor(
    private readonly log: EventLog,
    private readonly customers: CustomerTenants,
    private readonly stream: StreamReplay,
  ) {}

  choose(entries: readonly LogEntry[]): Promise<readonly LogEntry[]> {
    return Promise.resolve(entries.filter(({ replayed }) => !replayed));
  }

  perform(entries: readonly LogEntry[]): Promise<readonly string[]> {
    return this.each(entries, (tellings) => this.stream.perform(tellings, ASSIGNMENT));
  }

  preview(entries: readonly LogEntry[]): Promise<readonly string[]> {
    const preview = (tellings: readonly Retelling[]) =>
      this.stream.preview(
        tellings.map(({ entry }) => entry),
        ASSIGNMENT,
      );
    return this.each(entries, preview);
  }

  private async each(
    entries: readonly LogEntry[],
    tell: (tellings: readonly Retelling[]) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const owners = new Map<string, Promise<string | undefined>>();
    const results: string[] = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const some = entries.slice(at, at + AT_ONCE);
      const found = await Promise.all(some.map((entry) => this.find(entry, owners)));
      const told = [...(await tell(found.filter((one) => typeof one !== 'string')))];
      results.push(...found.map((one) => (typeof one === 'string' ? one : (told.shift() as string))));
    }
    return results;
  }

  private async find(entry: LogEntry, owners: Map<string, Promise<string | undefined>>): Promise<Found> {
    if (entry.tenantId !== UNASSIGNED) return 'assigned';
    const raw = await this.log.raw(entry.id);
    if (raw === undefined) return 'gone';
    const event = eventIn(raw);
    if (!event) return 'unreadable';
    const { customerId } = event;
    if (customerId === '') return 'no-customer';
    const asked = owners.get(customerId) ?? this.ownerOf(customerId);
    owners.set(customerId, asked);
    const tenantId = await asked;
    if (tenantId === undefined) return 'unknown-customer';
    return { entry, tenantId, data: toBillingEvent(event, tenantId, raw).data };
  }

  /** What was decided, not what an event says of itself: a look must not decide anything. */
  private async ownerOf(customerId: string): Promise<string | undefined> {
    try {
      return (await this.customers.find(customerId)).tenantId;
    } catch (error) {
      if (error instanceof CustomerUnknownError) return undefined;
      throw error;
    }
  }
}

/** @returns undefined for what somebody else put into the log */
function eventIn(raw: string): StripeEvent | undefined {
  try {
    return readStripeEvent(JSON.parse(raw));
  } catch {
    return undefined;
  }
}
