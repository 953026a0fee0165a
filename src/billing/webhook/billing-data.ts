import { fieldsOf, idOf, listOf, momentOf, numberOf, textOf } from './json-fields.js';
import type { Fields } from './json-fields.js';

/** Money is in the smallest unit of its currency; moments are ISO 8601. */
export interface SubscriptionData {
  readonly subscription_id: string | null;
  readonly customer_id: string | null;
  readonly plan_code: string | null;
  readonly status: string | null;
  readonly seat_count: number | null;
  readonly auto_renew: boolean;
  readonly current_period_start: string | null;
  readonly current_period_end: string | null;
  readonly trial_ends_at: string | null;
  readonly cancel_at: string | null;
}

export interface InvoiceData {
  readonly invoice_id: string | null;
  readonly customer_id: string | null;
  readonly subscription_id: string | null;
  readonly number: string | null;
  readonly status: string | null;
  readonly amount_due_cents: number | null;
  readonly amount_paid_cents: number | null;
  readonly currency: string | null;
  readonly billing_reason: string | null;
  readonly collection_method: string | null;
  readonly period_start: string | null;
  readonly period_end: string | null;
}

export interface UsageData {
  readonly feature_key: string;
  readonly quantity: number | null;
  readonly period_start: string | null;
  readonly period_end: string | null;
  readonly amount_cents: number | null;
}

/** An invoice may have thousands of lines; a client that wants them all asks Stripe. */
const MOST_USAGE = 50;

/** What of a subscription is told to clients; both shapes, with the period on it and on its items. */
export function subscriptionData(object: Fields): SubscriptionData {
  const item = fieldsOf(listOf(fieldsOf(object['items'])['data'])[0]);
  const period = object['current_period_end'] === undefined ? item : object;
  return {
    subscription_id: textOf(object['id']),
    customer_id: idOf(object['customer']),
    plan_code: planOf(object) ?? planOf(item),
    status: textOf(object['status']),
    seat_count: numberOf(object['quantity']) ?? numberOf(item['quantity']),
    auto_renew: object['cancel_at_period_end'] !== true && textOf(object['status']) !== 'canceled',
    current_period_start: momentOf(period['current_period_start']),
    current_period_end: momentOf(period['current_period_end']),
    trial_ends_at: momentOf(object['trial_end']),
    cancel_at: momentOf(object['cancel_at']),
  };
}

/** What of an invoice is told to clients: no address of its page, which lets in whoever has it. */
export function invoiceData(object: Fields): InvoiceData {
  const parent = fieldsOf(fieldsOf(object['parent'])['subscription_details']);
  return {
    invoice_id: textOf(object['id']),
    customer_id: idOf(object['customer']),
    subscription_id: idOf(object['subscription']) ?? idOf(parent['subscription']),
    number: textOf(object['number']),
    status: textOf(object['status']),
    amount_due_cents: numberOf(object['amount_due']),
    amount_paid_cents: numberOf(object['amount_paid']),
    currency: textOf(object['currency']),
    billing_reason: textOf(object['billing_reason']),
    collection_method: textOf(object['collection_method']),
    period_start: momentOf(object['period_start']),
    period_end: momentOf(object['period_end']),
  };
}

/** The lines of an invoice that bill what was used, fifty at most. */
export function usageData(invoice: Fields): UsageData[] {
  const lines = listOf(fieldsOf(invoice['lines'])['data']).map(fieldsOf);
  return lines.filter(isUsage).slice(0, MOST_USAGE).map(usageOf);
}

function usageOf(line: Fields): UsageData {
  const period = fieldsOf(line['period']);
  return {
    feature_key: textOf(fieldsOf(line['metadata'])['feature_key']) ?? planOf(line) ?? 'unknown',
    quantity: numberOf(line['quantity']),
    period_start: momentOf(period['start']),
    period_end: momentOf(period['end']),
    amount_cents: numberOf(line['amount']),
  };
}

function isUsage(line: Fields): boolean {
  const price = fieldsOf(line['price']);
  return (
    textOf(fieldsOf(line['metadata'])['feature_key']) !== null ||
    fieldsOf(price['recurring'])['usage_type'] === 'metered' ||
    fieldsOf(line['plan'])['usage_type'] === 'metered'
  );
}

/** The name that whoever made the price gave it, else its id. */
function planOf(holder: Fields): string | null {
  const price = fieldsOf(holder['price']);
  const plan = fieldsOf(holder['plan']);
  const details = fieldsOf(fieldsOf(holder['pricing'])['price_details']);
  return (
    textOf(price['lookup_key']) ??
    textOf(price['nickname']) ??
    textOf(plan['nickname']) ??
    textOf(price['id']) ??
    textOf(plan['id']) ??
    idOf(details['price'])
  );
}
