import { describe, expect, it } from 'vitest';
import { type LogEntry, UNASSIGNED } from '../log/log-entry.js';
import { objectStateOf } from './object-state.js';

const subscription = { subscription_id: 'sub_1', status: 'active' };
const invoice = { invoice_id: 'in_1', status: 'open' };

function entry(data: unknown, more: Partial<LogEntry> = {}): LogEntry {
  return {
    id: '1-1',
    tenantSequence: 1,
    tenantId: '00000000-0000-4000-8000-000000000001',
    type: 'customer.subscription.updated',
    eventId: 'evt_1',
    createdS: 1,
    objectId: 'sub_1',
    data: typeof data === 'string' ? data : JSON.stringify(data),
    stale: false,
    replayed: false,
    ...more,
  };
}

describe('what an event says of its object', () => {
  it('is the subscription of a subscription’s event', () => {
    expect(objectStateOf(entry({ subscription }))).toEqual({
      objectId: 'sub_1',
      kind: 'subscription',
      state: subscription,
      usage: [],
      deleted: false,
    });
  });

  it('is the invoice of an invoice’s event, with what it bills of use', () => {
    const usage = [{ feature_key: 'seats', quantity: 3 }];
    const of = entry({ invoice, usage }, { objectId: 'in_1', type: 'invoice.paid' });
    expect(objectStateOf(of)).toMatchObject({ objectId: 'in_1', kind: 'invoice', state: invoice, usage });
  });

  it.each([
    ['invoice.deleted', true],
    ['v1.invoice.deleted', true],
    ['invoice.updated', false],
  ])('after %s it is deleted: %s', (type, deleted) => {
    expect(objectStateOf(entry({ invoice }, { objectId: 'in_1', type }))).toMatchObject({ deleted });
  });

  it('is kept of a subscription that ended', () => {
    const type = 'customer.subscription.deleted';
    expect(objectStateOf(entry({ subscription }, { type }))).toMatchObject({ deleted: false });
  });

  it.each([
    ['it names another object', { subscription: { subscription_id: 'sub_2' } }, {}],
    ['it is about no object', { subscription: { subscription_id: '' } }, { objectId: '' }],
    ['it is thin', { status: null }, {}],
    ['the object is of another kind', { charge: { id: 'ch_1' } }, { objectId: 'ch_1' }],
    ['the object is no object', { subscription: ['sub_1'] }, {}],
  ])('is nothing to keep where %s', (_what, data, more) => {
    expect(objectStateOf(entry(data, more))).toBe('stateless');
  });

  it('is nobody’s while nobody owns the event', () => {
    expect(objectStateOf(entry({ subscription }, { tenantId: UNASSIGNED }))).toBe('unassigned');
  });

  it.each(['{broken', '[]', 'null', '""'])('cannot be read from %s', (data) => {
    expect(objectStateOf(entry(data))).toBe('unreadable');
  });
});
