import { describe, expect, it } from 'vitest';
import { isUuid, uuidOf } from './uuid.js';

const ID = '3f1c2f0e-7d7b-4a0e-9b59-0123456789ab';

describe('An id', () => {
  it('is a UUID in lower case, and is read in any', () => {
    expect([isUuid(ID), isUuid(ID.toUpperCase())]).toEqual([true, false]);
    expect([uuidOf(ID), uuidOf(ID.toUpperCase())]).toEqual([ID, ID]);
  });

  it.each([
    '',
    'x',
    `${ID}0`,
    ` ${ID}`,
    `${ID}\n`,
    `{${ID}}`,
    ID.replaceAll('-', ''),
    ID.replace('a', '\uFF21'),
    'a'.repeat(100_000),
  ])('is not %j', (text) => {
    expect([isUuid(text), uuidOf(text)]).toEqual([false, undefined]);
  });

  it.each([undefined, null, 7, [ID], { toString: () => ID }])('is a text, and not %j', (value) => {
    expect(isUuid(value)).toBe(false);
  });
});
