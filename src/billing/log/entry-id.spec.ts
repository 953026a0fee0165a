import { describe, expect, it } from 'vitest';
import { type EntryId, idAfter, idBefore, laterId } from './entry-id.js';

const MOST = '18446744073709551615';

describe('the ids beside an id', () => {
  it.each<[EntryId, EntryId]>([
    ['5-1', '5-2'],
    ['5-9', '5-10'],
    [`5-${MOST}` as EntryId, '6-0'],
    ['0-0', '0-1'],
  ])('behind %s is %s, and the other way round', (id, after) => {
    expect(idAfter(id)).toBe(after);
    expect(idBefore(after)).toBe(id);
  });

  it('do not leave what Redis takes', () => {
    expect(idBefore('0-0')).toBe('0-0');
    expect(idAfter(`${MOST}-${MOST}` as EntryId)).toBe(`${MOST}-${MOST}`);
  });
});

it.each<[EntryId, EntryId]>([
  ['9-1', '10-0'],
  ['5-9', '5-10'],
  ['5-1', '5-1'],
])('of %s and %s the second is not the earlier one', (a, b) => {
  expect([laterId(a, b), laterId(b, a)]).toEqual([b, b]);
});
