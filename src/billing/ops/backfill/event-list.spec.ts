import { describe, expect, it } from 'vitest';
import { Counter } from 'prom-client';
import { systemClock } from '../../../kernel/time.js';
import { EventList, readPage } from './event-list.js';
import { StripeApi } from './stripe-api.js';
import type { StripeHttp } from './stripe-http.js';

const page = (...created: number[]) => ({
  object: 'list',
  has_more: false,
  data: created.map((second, place) => ({ id: `evt_${place}`, created: second })),
});

describe('a page of the list of events', () => {
  it('is newest first; events of one second are', () => {
    expect(readPage(page(9, 9, 3))).toMatchObject({ hasMore: false, events: [{}, {}, { created: 3 }] });
    expect(readPage(page())).toEqual({ hasMore: false, events: [] });
  });

  it.each([
    ['oldest first', page(3, 9)],
    ['more than was asked for', page(...Array.from({ length: 101 }, () => 1))],
    ['no list', { ...page(1), object: 'event' }],
    ['nothing about more', { ...page(1), has_more: 'yes' }],
    ['no events', { ...page(1), data: [null] }],
    ['an id that is none', { ...page(1), data: [{ id: 'evt 1&x=y', created: 1 }] }],
    ['an event of no time', { ...page(1), data: [{ id: 'evt_1', created: '1' }] }],
    ['a text', 'page'],
    ['nothing', null],
  ])('is not %s', (_what, value) => {
    expect(readPage(value)).toBeUndefined();
  });
});

/** A list of a Stripe that answers so, one after the other. */
function listOf(...answers: readonly object[]): EventList {
  const left = answers.map((answer) => Buffer.from(JSON.stringify(answer)));
  const get = () => Promise.resolve({ status: 200, retryAfter: undefined, body: left.shift() });
  const http = { get } as unknown as StripeHttp;
  const requests = new Counter({ name: 'requests', help: 'x', labelNames: ['result'], registers: [] });
  return new EventList(new StripeApi({ http, requests, clock: systemClock }));
}

describe('a page without events that says that there are more', () => {
  const { signal } = new AbortController();
  const empty = { ...page(), has_more: true };
  const told = {
    code: 'STRIPE_UNAVAILABLE',
    message: expect.stringContaining('has_more: true') as string,
  };

  it('is no end of a range: not of the search for its oldest event', async () => {
    await expect(listOf(empty).oldest({ fromS: 0, toS: 100 }, signal)).rejects.toMatchObject(told);
  });

  it('nor of the search in one second', async () => {
    const full = { ...page(5), has_more: true };
    await expect(listOf(full, empty).oldest({ fromS: 5, toS: 5 }, signal)).rejects.toMatchObject(told);
  });

  it('nor of what follows an event', async () => {
    const after = listOf(empty).after({ id: 'evt_0', created: 5 }, { fromS: 0, toS: 100 }, signal);
    await expect(after).rejects.toMatchObject(told);
  });
});
