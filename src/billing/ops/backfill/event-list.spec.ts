import { describe, expect, it } from 'vitest';
import { readPage } from './event-list.js';

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
