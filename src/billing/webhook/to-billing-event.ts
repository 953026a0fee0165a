import { LARGEST_DATA_CHARS, LARGEST_RAW_CHARS } from '../log/event-rules.js';
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
import { type StripeEvent, outlineOf } from './stripe-event.js';

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
  /** The event is too large to be shown or kept: what is above was left out, and Stripe has it under the event's id. */
  readonly data_omitted?: true;
}

/**
 * What is kept of an event. One that has too much to be shown, or that a backfill finds too large, is kept without its object,
 * and says so: refused, nobody would count it. A delivery above 512 KiB does not come this far: the webhook answers 413.
 *
 * @param tenantId undefined: nobody knows whose it is
 * @param raw JSON as it was received
 */
export function toBillingEvent(
  event: StripeEvent,
  tenantId: string | undefined,
  raw: BillingEvent['raw'],
): BillingEvent {
  const { eventId, type, createdS, objectId } = event;
  const owner = tenantId ?? UNASSIGNED;
  const kept = raw.length <= LARGEST_RAW_CHARS ? raw : outlineOf(event);
  const omitted = event.omitted === true || kept !== raw;
  // Without a space or a break: one line, whatever the texts in it hold.
  const whole = omitted ? '' : JSON.stringify(dataOf(event, owner));
  const fits = !omitted && whole.length <= LARGEST_DATA_CHARS;
  const data = fits ? whole : JSON.stringify({ ...headOf(event, owner), status: null, data_omitted: true });
  return { eventId, type, tenantId: owner, createdS, objectId, data, raw: kept };
}

function dataOf(event: StripeEvent, tenantId: string): EventData {
  const { object } = event;
  return { ...headOf(event, tenantId), status: textOf(object['status']), ...detailsOf(object) };
}

/** What every event has, and what is short. */
function headOf({ eventId, type, createdS }: StripeEvent, tenantId: string) {
  return {
    tenant_id: tenantId,
    event_type: type,
    stripe_event_id: eventId,
    occurred_at: momentOf(createdS),
    summary: summaryOf(type),
  };
}

function detailsOf(object: StripeEvent['object']): Pick<EventData, 'subscription' | 'invoice' | 'usage'> {
  if (object['object'] === 'subscription') return { subscription: subscriptionData(object) };
  if (object['object'] !== 'invoice') return {};
  const usage = usageData(object);
  return { invoice: invoiceData(object), ...(usage.length > 0 ? { usage } : {}) };
}

/** Stripe has some hundred types, and most events are of a few. */
const summaries = new Map<string, string>();
const MOST_SUMMARIES = 512;

/** `customer.subscription.updated` is "Customer subscription updated". */
function summaryOf(type: string): string {
  const known = summaries.get(type);
  if (known !== undefined) return known;
  const words = type.replace(/^v\d+\./, '').replace(/[._]+/g, ' ');
  const summary = words.charAt(0).toUpperCase() + words.slice(1);
  if (summaries.size >= MOST_SUMMARIES) summaries.clear();
  summaries.set(type, summary);
  return summary;
}
