import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertEvent } from '../log/event-rules.js';
import { SAMPLE_TYPES, sampleEvent } from './samples/sample-events.js';
import { readStripeEvent } from './stripe-event.js';
import { type EventData, toBillingEvent } from './to-billing-event.js';

const TENANT = '11111111-2222-4333-8444-555555555555';
const events = readFileSync('test/data/stripe/events-sync-engine.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly type: string });

function dataOf(event: unknown, tenantId?: string): EventData {
  return JSON.parse(toBillingEvent(readStripeEvent(event), tenantId, '').data) as EventData;
}

const realOf = (type: string) => events.find((event) => event.type === type);

describe('What is kept of an event', () => {
  it('are the event and its JSON as it came', () => {
    const raw = '{ "odd":  "spacing" }';
    const { data, ...kept } = toBillingEvent(readStripeEvent(realOf('invoice.paid')), TENANT, raw);
    expect(kept).toEqual({
      eventId: 'evt_1KJrGtJDPojXS6LN15fcthM3',
      type: 'invoice.paid',
      tenantId: TENANT,
      createdS: 1_642_649_111,
      objectId: 'in_1KJqKBJDPojXS6LNJbvLUgEy',
      raw,
    });
    expect(data).not.toMatch(/[\r\n]/);
  });

  it('tells clients of an invoice, and not how to get at its page', () => {
    const data = dataOf(realOf('invoice.paid'), TENANT);
    expect(data).toEqual({
      tenant_id: TENANT,
      event_type: 'invoice.paid',
      stripe_event_id: 'evt_1KJrGtJDPojXS6LN15fcthM3',
      occurred_at: '2022-01-20T03:25:11.000Z',
      summary: 'Invoice paid',
      status: 'paid',
      invoice: {
        invoice_id: 'in_1KJqKBJDPojXS6LNJbvLUgEy',
        customer_id: 'cus_JsuO3bmrj0QlAw',
        subscription_id: 'sub_JsuPyCPhXWfZar',
        number: '60229DE7-0007',
        status: 'paid',
        amount_due_cents: 0,
        amount_paid_cents: 0,
        currency: 'usd',
        billing_reason: 'subscription_cycle',
        collection_method: 'charge_automatically',
        period_start: '2021-12-20T02:21:20.000Z',
        period_end: '2022-01-20T02:21:20.000Z',
      },
    });
    expect(JSON.stringify(data)).not.toContain('http');
  });

  it('tells clients of a subscription', () => {
    expect(dataOf(realOf('customer.subscription.created'), TENANT).subscription).toEqual({
      subscription_id: 'sub_JdIzvfy6o5GZRd',
      customer_id: 'cus_IhGfebO16cMIGN',
      plan_code: 'price_1IDQm5JDPojXS6LNM31hxKzp',
      status: 'active',
      seat_count: 1,
      auto_renew: true,
      current_period_start: '2021-06-08T10:41:58.000Z',
      current_period_end: '2021-07-08T10:41:58.000Z',
      trial_ends_at: null,
      cancel_at: null,
    });
    expect(dataOf(realOf('customer.subscription.deleted')).subscription).toMatchObject({
      status: 'canceled',
      auto_renew: false,
    });
  });

  it('reads the newer shape too, with the period on the items, and what was used on the invoice', () => {
    const owner = { customerId: 'cus_1' };
    const moment = { createdS: 1_700_000_000, period: 2 };
    expect(dataOf(sampleEvent('customer.subscription.updated', owner, moment)).subscription).toMatchObject({
      plan_code: 'team',
      seat_count: 5,
      current_period_start: '2023-11-14T22:13:20.000Z',
    });
    expect(dataOf(sampleEvent('invoice.paid', owner, moment)).usage).toEqual([
      {
        feature_key: 'api-calls',
        quantity: 2000,
        period_start: '2023-10-15T22:13:20.000Z',
        period_end: '2023-11-14T22:13:20.000Z',
        amount_cents: 0,
      },
    ]);
  });

  describe('that is too large', () => {
    const LEFT_OUT = {
      tenant_id: TENANT,
      event_type: 'invoice.paid',
      stripe_event_id: 'evt_1',
      occurred_at: '2026-09-21T14:13:20.000Z',
      summary: 'Invoice paid',
      status: null,
      data_omitted: true,
    };
    const eventOf = (object: object, more: object = {}) => ({
      id: 'evt_1',
      object: 'event',
      type: 'invoice.paid',
      created: 1_790_000_000,
      data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1', ...object } },
      ...more,
    });

    it('to be shown is shown without its object, says so, and is kept as it came', () => {
      const event = eventOf({ status: 'x'.repeat(300 * 1024) });
      const raw = JSON.stringify(event);
      const kept = toBillingEvent(readStripeEvent(event), TENANT, raw);
      expect(JSON.parse(kept.data)).toEqual(LEFT_OUT);
      expect([kept.objectId, kept.raw]).toEqual(['in_1', raw]);
      expect(() => assertEvent(kept)).not.toThrow();
      // One character less on either side of the bound is another matter.
      const fits = eventOf({ status: 'x'.repeat(200 * 1024) });
      expect(dataOf(fits, TENANT)).not.toHaveProperty('data_omitted');
    });

    it.each([
      ['an invoice', {}, 'cus_1'],
      ['a customer', { id: 'cus_2', object: 'customer', customer: undefined }, 'cus_2'],
      ['nothing', { id: undefined, object: 7, customer: undefined }, ''],
    ])('to be kept, and about %s, is kept as what it is told apart by', (_, object, customerId) => {
      const event = eventOf({ ...object, metadata: { tenant_id: TENANT }, pad: 'x'.repeat(1024 * 1024) });
      const read = readStripeEvent(event);
      const kept = toBillingEvent(read, TENANT, JSON.stringify(event));
      expect(kept.raw.length).toBeLessThan(1000);
      expect(JSON.parse(kept.data)).toEqual(LEFT_OUT);
      expect(() => assertEvent(kept)).not.toThrow();
      const again = readStripeEvent(JSON.parse(kept.raw as string));
      expect({ ...again, object: {}, omitted: undefined }).toEqual({ ...read, object: {} });
      expect(again.customerId).toBe(customerId);
      // Given to another tenant it still says so.
      expect(JSON.parse(toBillingEvent(again, TENANT, kept.raw).data)).toEqual(LEFT_OUT);
    });
  });

  it('is nobody’s where nobody knows whose it is', () => {
    const event = toBillingEvent(readStripeEvent(realOf('price.created')), undefined, '');
    expect(event.tenantId).toBe('_unassigned');
    expect(JSON.parse(event.data)).toMatchObject({ tenant_id: '_unassigned', status: null });
  });

  it('survives objects of any shape', () => {
    const shapes = [null, [], 7, { items: { data: [null] }, lines: [] }, { lines: { data: [[], 7, null] } }];
    for (const kind of ['subscription', 'invoice'])
      for (const shape of shapes) {
        const fields: object = typeof shape === 'object' && shape !== null ? shape : { id: shape };
        const event = { ...realOf('invoice.paid'), data: { object: { ...fields, object: kind } } };
        expect(dataOf(event)).toMatchObject({ event_type: 'invoice.paid' });
      }
  });

  it.each(SAMPLE_TYPES)('is told of the sample %s', (type) => {
    const event = sampleEvent(type, { customerId: 'cus_a', tenantId: TENANT }, { createdS: 1, period: 1 });
    expect(readStripeEvent(event)).toMatchObject({ customerId: 'cus_a', tenantHint: TENANT, type });
  });
});
