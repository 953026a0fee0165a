import { randomBytes } from 'node:crypto';

/** Whose events are made up. */
export interface SampleOwner {
  /** Of Stripe. */
  readonly customerId: string;
  /** Written on the objects as `metadata.tenant_id`; left out: only the customer tells whose they are. */
  readonly tenantId?: string | undefined;
}

export interface SampleMoment {
  /** Seconds since the epoch. */
  readonly createdS: number;
  /** Which period of the subscription it is, from 1: invoices of one period are one invoice. */
  readonly period: number;
}

const MONTH_S = 30 * 86_400;
const SEAT_CENTS = 1_200;

type Fields = Readonly<Record<string, unknown>>;
type Draw = (owner: SampleOwner, moment: SampleMoment) => Fields;

const OBJECTS = {
  'customer.created': customer,
  'customer.updated': customer,
  'customer.subscription.created': (owner, moment) => subscription(owner, moment, 'active'),
  'customer.subscription.updated': (owner, moment) => subscription(owner, moment, 'active'),
  'customer.subscription.deleted': (owner, moment) => subscription(owner, moment, 'canceled'),
  'invoice.created': (owner, moment) => invoice(owner, moment, 'draft'),
  'invoice.finalized': (owner, moment) => invoice(owner, moment, 'open'),
  'invoice.paid': (owner, moment) => invoice(owner, moment, 'paid'),
  'invoice.payment_failed': (owner, moment) => invoice(owner, moment, 'open'),
  'charge.succeeded': charge,
} as const satisfies Readonly<Record<string, Draw>>;

export type SampleType = keyof typeof OBJECTS;
export const SAMPLE_TYPES = Object.keys(OBJECTS) as readonly SampleType[];

export function isSampleType(text: string): text is SampleType {
  return Object.hasOwn(OBJECTS, text);
}

/** An event as Stripe would send it, made up by this project; each one has an id of its own. */
export function sampleEvent(type: SampleType, owner: SampleOwner, moment: SampleMoment): Fields {
  const draw: Draw = OBJECTS[type];
  return {
    id: `evt_sample_${randomBytes(9).toString('hex')}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: moment.createdS,
    data: { object: draw(owner, moment) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
}

function metadataOf({ tenantId }: SampleOwner): Fields {
  return tenantId === undefined ? {} : { tenant_id: tenantId };
}

function nameOf({ customerId }: SampleOwner): string {
  return customerId.replace(/^cus_/, '');
}

function seatsOf({ period }: SampleMoment): number {
  return 3 + (period % 5);
}

function customer(owner: SampleOwner, { createdS }: SampleMoment): Fields {
  return {
    id: owner.customerId,
    object: 'customer',
    created: createdS,
    email: 'billing@example.com',
    metadata: metadataOf(owner),
    name: nameOf(owner),
  };
}

function subscription(owner: SampleOwner, moment: SampleMoment, status: string): Fields {
  const { createdS } = moment;
  return {
    id: `sub_sample_${nameOf(owner)}`,
    object: 'subscription',
    cancel_at: null,
    cancel_at_period_end: false,
    collection_method: 'charge_automatically',
    created: createdS,
    customer: owner.customerId,
    items: {
      object: 'list',
      data: [
        {
          id: `si_sample_${nameOf(owner)}`,
          object: 'subscription_item',
          current_period_end: createdS + MONTH_S,
          current_period_start: createdS,
          price: { id: 'price_sample_team', object: 'price', currency: 'usd', lookup_key: 'team' },
          quantity: seatsOf(moment),
        },
      ],
      has_more: false,
    },
    metadata: metadataOf(owner),
    status,
    trial_end: null,
  };
}

function invoice(owner: SampleOwner, moment: SampleMoment, status: string): Fields {
  const { createdS, period } = moment;
  const due = seatsOf(moment) * SEAT_CENTS;
  const span = { start: createdS - MONTH_S, end: createdS };
  return {
    id: `in_sample_${nameOf(owner)}_${period}`,
    object: 'invoice',
    amount_due: due,
    amount_paid: status === 'paid' ? due : 0,
    billing_reason: 'subscription_cycle',
    collection_method: 'charge_automatically',
    created: createdS,
    currency: 'usd',
    customer: owner.customerId,
    lines: {
      object: 'list',
      data: [
        {
          id: `il_sample_${period}`,
          object: 'line_item',
          amount: due,
          currency: 'usd',
          metadata: {},
          period: span,
          price: { id: 'price_sample_team', lookup_key: 'team', recurring: { usage_type: 'licensed' } },
          quantity: seatsOf(moment),
        },
        {
          id: `il_sample_${period}_calls`,
          object: 'line_item',
          amount: 0,
          currency: 'usd',
          metadata: { feature_key: 'api-calls' },
          period: span,
          price: { id: 'price_sample_calls', lookup_key: 'api-calls', recurring: { usage_type: 'metered' } },
          quantity: 1_000 * period,
        },
      ],
      has_more: false,
    },
    metadata: metadataOf(owner),
    number: `SAMPLE-${String(period).padStart(4, '0')}`,
    period_end: span.end,
    period_start: span.start,
    status,
    subscription: `sub_sample_${nameOf(owner)}`,
  };
}

function charge(owner: SampleOwner, moment: SampleMoment): Fields {
  return {
    id: `ch_sample_${nameOf(owner)}_${moment.period}`,
    object: 'charge',
    amount: seatsOf(moment) * SEAT_CENTS,
    created: moment.createdS,
    currency: 'usd',
    customer: owner.customerId,
    metadata: metadataOf(owner),
    paid: true,
    status: 'succeeded',
  };
}
