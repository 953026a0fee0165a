import { type BillingEvent, UNASSIGNED } from '../log/log-entry.js';
import {
  type InvoiceData,
  type SubscriptionData,
  type UsageData,
  invoiceData,
  subscriptionData,
  usageData,
} from './billing-data.js';
import { momentOf, textOf } from './json-fields.js';
import type { StripeEvent } from './stripe-event.js';

/** What clients are told of an event; the reader adds `stale` and `replayed`. */
export interface EventData {
  readonly tenant_id: string;
  readonly event_type: string;
  readonly stripe_event_id: string;
  /** ISO 8601. */
  readonly occurred_at: string | null;
  /** For people. */
  readonly summary: string;
  /** Of the object; null where it has none, or the event is thin. */
  readonly status: string | null;
  readonly subscription?: SubscriptionData;
  readonly invoice?: InvoiceData;
  readonly usage?: readonly UsageData[];
}

/**
 * What is kept of an event.
 *
 * @param tenantId undefined: nobody knows whose it is
 * @param raw JSON as it was received
 */
export function toBillingEvent(event: StripeEvent, tenantId: string | undefined, raw: string): BillingEvent {
  const { eventId, type, createdS, objectId } = event;
  const owner = tenantId ?? UNASSIGNED;
  // Without a space or a break: one line, whatever the texts in it hold.
  const data = JSON.stringify(dataOf(event, owner));
  return { eventId, type, tenantId: owner, createdS, objectId, data, raw };
}

function dataOf({ eventId, type, createdS, object }: StripeEvent, tenantId: string): EventData {
  return {
    tenant_id: tenantId,
    event_type: type,
    stripe_event_id: eventId,
    occurred_at: momentOf(createdS),
    summary: summaryOf(type),
    status: textOf(object['status']),
    ...detailsOf(object),
  };
}

function detailsOf(object: StripeEvent['object']): Pick<EventData, 'subscription' | 'invoice' | 'usage'> {
  if (object['object'] === 'subscription') return { subscription: subscriptionData(object) };
  if (object['object'] !== 'invoice') return {};
  const usage = usageData(object);
  return { invoice: invoiceData(object), ...(usage.length > 0 ? { usage } : {}) };
}

/** `customer.subscription.updated` is "Customer subscription updated". */
function summaryOf(type: string): string {
  const words = type.replace(/^v\d+\./, '').replace(/[._]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
