import type { EventLog } from '../../../src/billing/log/event-log.js';
import type { BillingEvent } from '../../../src/billing/log/log-entry.js';

export interface ObjectEvent extends BillingEvent {
  /** What is told of the object, as a snapshot shows it. */
  readonly state: Readonly<Record<string, unknown>>;
}

export interface EventSource {
  readonly tenantId: string;
  /** In every id, so that tenants do not share objects. */
  readonly name: string;
}

const FIRST_S = 1_790_000_000;

/** The n-th event of an object; even objects are subscriptions, odd ones invoices that bill use. */
export function objectEvent(
  { tenantId, name }: EventSource,
  object: number,
  n: number,
  createdS = FIRST_S + n,
): ObjectEvent {
  const isInvoice = object % 2 === 1;
  const objectId = `${isInvoice ? 'in' : 'sub'}_${name}${object}`;
  const state = { [isInvoice ? 'invoice_id' : 'subscription_id']: objectId, status: `s${n}`, n };
  const details = isInvoice ? { invoice: state, usage: [{ quantity: n }] } : { subscription: state };
  return {
    eventId: `evt_${name}${object}_${n}`,
    type: isInvoice ? 'invoice.updated' : 'customer.subscription.updated',
    tenantId,
    createdS,
    objectId,
    data: JSON.stringify({ tenant_id: tenantId, ...details }),
    raw: '{}',
    state,
  };
}

/** `count` events of `objects` objects, each as many, in the order in which Stripe made them. */
export function eventsOf(source: EventSource, count: number, objects: number): ObjectEvent[] {
  return Array.from({ length: count }, (_, at) =>
    objectEvent(source, at % objects, Math.floor(at / objects)),
  );
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other] as T, copy[last] as T];
  }
  return copy;
}

export interface FoldedState {
  readonly subscriptions: unknown[];
  readonly invoices: unknown[];
  readonly usage: unknown[];
}

/** What a snapshot has to show after these events, in the order of the log; sorted by id. */
export function fold(events: readonly ObjectEvent[]): FoldedState {
  const last = new Map<string, ObjectEvent>();
  for (const event of events) {
    const known = last.get(event.objectId);
    if (!known || event.createdS >= known.createdS) last.set(event.objectId, event);
  }
  const kept = [...last.values()];
  const invoices = kept.filter(({ objectId }) => objectId.startsWith('in_'));
  return sorted({
    subscriptions: kept.filter(({ objectId }) => objectId.startsWith('sub_')).map(({ state }) => state),
    invoices: invoices.map(({ state }) => state),
    usage: invoices.map(({ objectId, state }) => ({ invoice_id: objectId, quantity: state['n'] })),
  });
}

/** Both sides of a comparison in one order. */
export function sorted({ subscriptions, invoices, usage }: Readonly<Record<keyof FoldedState, unknown>>) {
  const byText = (list: unknown) =>
    [...(list as unknown[])].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { subscriptions: byText(subscriptions), invoices: byText(invoices), usage: byText(usage) };
}

/** One after the other, so that the log has them in this order. */
export async function append(log: EventLog, events: readonly ObjectEvent[]): Promise<void> {
  for (const event of events) await log.append(event);
}
