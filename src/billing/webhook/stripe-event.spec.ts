import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { typeLabel } from './event-types.js';
import { readStripeEvent } from './stripe-event.js';
import { MalformedEventError } from './webhook.errors.js';

const TENANT = '11111111-2222-4333-8444-555555555555';
const SNAPSHOT = {
  id: 'evt_1',
  object: 'event',
  type: 'invoice.paid',
  created: 1_700_000_000,
  data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1' } },
};
const THIN = {
  id: 'evt_thin_1',
  object: 'v2.core.event',
  type: 'v1.invoice.paid',
  created: '2023-11-14T22:13:20.500Z',
  related_object: { id: 'in_1', type: 'invoice', url: '/v1/invoices/in_1' },
};

const withObject = (object: object) => readStripeEvent({ ...SNAPSHOT, data: { object } });

describe('An event', () => {
  it('of a snapshot has the object, its customer and its moment', () => {
    expect(readStripeEvent(SNAPSHOT)).toEqual({
      eventId: 'evt_1',
      type: 'invoice.paid',
      createdS: 1_700_000_000,
      objectId: 'in_1',
      customerId: 'cus_1',
      tenantHint: undefined,
      object: SNAPSHOT.data.object,
    });
  });

  it('that is thin has what it names', () => {
    expect(readStripeEvent(THIN)).toMatchObject({
      eventId: 'evt_thin_1',
      type: 'v1.invoice.paid',
      createdS: 1_700_000_000,
      objectId: 'in_1',
      customerId: '',
      object: {},
    });
    const ofCustomer = { ...THIN, related_object: { id: 'cus_1', type: 'customer' } };
    expect(readStripeEvent(ofCustomer)).toMatchObject({ objectId: 'cus_1', customerId: 'cus_1' });
    expect(readStripeEvent({ ...THIN, related_object: null })).toMatchObject({ objectId: '' });
  });

  it('that is thin and has a snapshot twin is the same event as the twin', () => {
    const { eventId, type, hasTwin } = readStripeEvent({ ...THIN, snapshot_event: 'evt_1' });
    const twin = readStripeEvent(SNAPSHOT);
    expect([eventId, type]).toEqual([twin.eventId, twin.type]);
    expect([hasTwin, twin.hasTwin, readStripeEvent(THIN).hasTwin]).toEqual([true, undefined, undefined]);
  });

  it.each([
    [{ object: 'customer', id: 'cus_9' }, 'cus_9'],
    [{ object: 'invoice', customer: { id: 'cus_9', object: 'customer' } }, 'cus_9'],
    [{ object: 'charge', customer: null }, ''],
    [{ object: 'charge', customer: 'cus_\u0000' }, ''],
    [{ object: 'charge', customer: 'c'.repeat(256) }, ''],
    [{ object: 'charge', customer: 7 }, ''],
    [{ object: 'charge', customer: ['cus_9'] }, ''],
  ])('about %j has the customer %j', (object, customerId) => {
    expect(withObject(object).customerId).toBe(customerId);
  });

  it.each([
    [{ metadata: { tenant_id: TENANT } }, TENANT],
    [{ subscription_details: { metadata: { tenant_id: TENANT } } }, TENANT],
    [{ parent: { subscription_details: { metadata: { tenant_id: TENANT } } } }, TENANT],
    [{ object: 'checkout.session', client_reference_id: TENANT, payment_link: null }, TENANT],
    // Whoever opens a payment link may write any reference into its address.
    [{ object: 'checkout.session', client_reference_id: TENANT, payment_link: 'plink_1' }, undefined],
    [{ object: 'invoice', client_reference_id: TENANT }, undefined],
    [{ metadata: { tenant_id: 7 } }, undefined],
    [{ metadata: null }, undefined],
  ])('about %j names the tenant %s', (object, tenantId) => {
    expect(withObject(object).tenantHint).toBe(tenantId);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [SNAPSHOT]],
    ['a text', 'evt_1'],
    ['no id', { ...SNAPSHOT, id: undefined }],
    ['an id with a line break', { ...SNAPSHOT, id: 'evt_1\n' }],
    ['an id with a brace', { ...SNAPSHOT, id: 'evt_{b}' }],
    ['an id that is too long', { ...SNAPSHOT, id: 'e'.repeat(256) }],
    ['a number as its id', { ...SNAPSHOT, id: 7 }],
    ['no type', { ...SNAPSHOT, type: '' }],
    ['a type that ends a line', { ...SNAPSHOT, type: 'invoice.paid\r\ndata: x' }],
    ['a type that is too long', { ...SNAPSHOT, type: 'a'.repeat(201) }],
    ['no moment', { ...SNAPSHOT, created: undefined }],
    ['a moment below 0', { ...SNAPSHOT, created: -1 }],
    ['a moment beyond dates', { ...SNAPSHOT, created: 8.64e12 }],
    ['half a second', { ...SNAPSHOT, created: 0.5 }],
    ['a date that is none', { ...THIN, created: 'soon' }],
    ['a twin with a blank', { ...THIN, snapshot_event: 'evt 1' }],
  ])('with %s is refused', (_what, value) => {
    expect(() => readStripeEvent(value)).toThrow(MalformedEventError);
  });

  it('of each of 71 types that Stripe has sent is read', () => {
    const lines = readFileSync('test/data/stripe/events-sync-engine.jsonl', 'utf8').trim().split('\n');
    const events = lines.map((line) => readStripeEvent(JSON.parse(line)));
    expect(new Set(events.map(({ type }) => type)).size).toBe(71);
    expect(events.filter(({ customerId }) => customerId !== '').length).toBe(37);
  });
});

describe('The label of a type', () => {
  it.each([
    ['invoice.paid', 'invoice.paid'],
    ['v1.invoice.paid', 'invoice.paid'],
    ['v2.core.account.updated', 'other'],
    ['made.up', 'other'],
    ['constructor', 'other'],
    [undefined, 'none'],
  ])('of %s is %s', (type, label) => {
    expect(typeLabel(type)).toBe(label);
  });
});
