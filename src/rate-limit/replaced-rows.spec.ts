import { expect, it } from 'vitest';
import { replacedRows } from './replaced-rows.js';

it('rows that take the name of one of the house are named, and no others', () => {
  const house = { default: {}, signup: {} };
  expect(replacedRows('policy', house, { default: {}, export: {}, toString: {} })).toEqual([
    expect.stringMatching(
      /^The policy "default" of the house is replaced by a feature's.*app\.features\.ts$/,
    ),
  ]);
  expect(replacedRows('policy', house, {})).toEqual([]);
});
