import { expect, it } from 'vitest';
import { millisecondsOf, secondsOf } from './moment.js';
import { SelectionError } from './ops.errors.js';

it.each([
  ['2026-11-20', Date.UTC(2026, 10, 20)],
  ['2026-11', Date.UTC(2026, 10)],
  ['2026-11-20T08:00Z', Date.UTC(2026, 10, 20, 8)],
  ['2026-11-20T08:00:30.250Z', Date.UTC(2026, 10, 20, 8, 0, 30, 250)],
  ['2026-11-20T08:00:00+02:00', Date.UTC(2026, 10, 20, 6)],
  ['1970-01-01', 0],
])('%s is a moment', (text, ms) => {
  expect(millisecondsOf(text, '--from')).toBe(ms);
  expect(secondsOf(text, '--from')).toBe(Math.floor(ms / 1000));
});

it.each([
  '',
  '2026',
  '2026-13',
  '2026-02-30',
  '20.11.2026',
  '2026-11-20T08:00',
  '2026-11-20T25:00Z',
  '1969-12-31',
])('%j is none', (text) => {
  expect(() => millisecondsOf(text, 'from')).toThrow(SelectionError);
  expect(() => millisecondsOf(text, 'from')).toThrow(/^from is no moment/);
});

it('may be left out', () => {
  expect([millisecondsOf(undefined, 'from'), millisecondsOf(null, 'from')]).toEqual([undefined, undefined]);
});
