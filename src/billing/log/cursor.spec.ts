import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor } from './cursor.js';
import { NEWEST, ORIGIN, compareEntryIds, parseEntryId } from './entry-id.js';

const MOST = '18446744073709551615';

describe('the id of an entry', () => {
  it.each([ORIGIN, NEWEST, '1790000000000-0', '1-18446744073709551615'])('may be %s', (text) => {
    expect(parseEntryId(text)).toBe(text);
  });

  it.each([
    '',
    '-',
    '-1',
    '1',
    '1-',
    '-1-1',
    '1-1-1',
    '01-1',
    '1-01',
    '1 -1',
    '1-1 ',
    '1-1\r\n',
    '+',
    '$',
    '*',
    '1e3-1',
    '0x1-1',
    '١-١',
    `${MOST}0-1`,
    '18446744073709551616-0',
    '0-18446744073709551616',
    '9'.repeat(30),
  ])('is not %j', (text) => {
    expect(parseEntryId(text)).toBeUndefined();
  });

  it('is compared as a pair of numbers, beyond what a number of JavaScript holds', () => {
    const sorted = ['0-0', '0-9', '0-10', '9-0', '10-0', `${MOST}-0`, `${MOST}-18446744073709551614`, NEWEST];
    const ids = sorted.flatMap((text) => parseEntryId(text) ?? []);
    expect(ids.toReversed().sort(compareEntryIds)).toEqual(sorted);
    expect(compareEntryIds('1-1', '1-1')).toBe(0);
  });
});

describe('a cursor', () => {
  it.each([`${ORIGIN}.0`, '1790000000000-3.17', `${NEWEST}.9007199254740991`])('may be %s', (text) => {
    const cursor = parseCursor(text);
    expect(cursor && formatCursor(cursor)).toBe(text);
  });

  it.each([
    '',
    '1-1',
    '1-1.',
    '1-1.-1',
    '1-1.01',
    '1-1.1.1',
    '1-1.1e3',
    ' 1-1.1',
    '1-1.1\r\ndata: x',
    '-1',
    '1-1.9007199254740992',
    `1-1.${'9'.repeat(30)}`,
    `${'9'.repeat(30)}-1.1`,
    '18446744073709551616-0.1',
  ])('is not %j', (text) => {
    expect(parseCursor(text)).toBeUndefined();
  });
});
