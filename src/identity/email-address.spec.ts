import { describe, expect, it } from 'vitest';
import { normalizeEmail } from './email-address.js';

const keyOf = (text: unknown) => normalizeEmail(text)?.key;

describe('An e-mail address', () => {
  it('is kept as it was typed, beside the key that finds it', () => {
    expect(normalizeEmail('Ann.Other+Tag@Example.COM')).toEqual({
      email: 'Ann.Other+Tag@Example.COM',
      key: 'ann.other+tag@example.com',
    });
  });

  it.each([
    ['case', 'ANN@EXAMPLE.COM', 'ann@example.com'],
    ['composition', 'ren\u00E9@example.com', 'rene\u0301@example.com'],
    ['letters that fold alone', 'jame\u017F@example.com', 'james@example.com'],
    ['the Kelvin sign', '\u212Aim@example.com', 'kim@example.com'],
    ['a domain in Punycode', 'ann@bücher.example', 'ann@xn--bcher-kva.example'],
  ])('has one key whatever its %s', (_, one, other) => {
    expect(keyOf(one)).toBeDefined();
    expect(keyOf(one)).toBe(keyOf(other));
  });

  it.each([
    ['a dot', 'a.nn@example.com', 'ann@example.com'],
    ['a tag', 'ann+x@example.com', 'ann@example.com'],
    ['the dotless i', 'm\u0131ke@example.com', 'mike@example.com'],
    ['the host', 'ann@mail.example.com', 'ann@example.com'],
  ])('is another one by %s', (_, one, other) => {
    expect(keyOf(one)).toBeDefined();
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  it('is the same again when its key is asked for', () => {
    for (const text of ['Ann@Example.com', 'JAME\u017F@BÜCHER.example', '\u0399\u0308\u0301a@example.com']) {
      const key = keyOf(text);
      expect(keyOf(key)).toBe(key);
    }
  });

  it.each([
    ['nothing', ''],
    ['no at sign', 'ann'],
    ['no domain', 'ann@'],
    ['no local part', '@example.com'],
    ['a host without a dot', 'ann@localhost'],
    ['an address of a host', 'ann@[127.0.0.1]'],
    ['a display name', 'Ann <ann@example.com>'],
    ['a domain in wide letters', 'ann@\uFF45xample.com'],
    ['two addresses', 'ann@example.com,bob@example.com'],
    ['a line break', 'ann@example.com\r\nBcc: bob@example.com'],
    ['a line break in quotes', '"ann\r\nx"@example.com'],
    ['quotes', '"ann other"@example.com'],
    ['space around it', ' ann@example.com '],
    ['NUL', 'ann\u0000@example.com'],
    ['half a character', 'ann\uD800@example.com'],
    ['half a character in its domain', 'ann@ex\uDC00ample.com'],
    ['a character that is not seen', 'an\u200Bn@example.com'],
    ['a change of direction', 'ann\u202E@example.com'],
    ['a private character', 'ann\uE000@example.com'],
    ['a local part of 65 bytes', `${'a'.repeat(65)}@example.com`],
    ['a local part of 66 bytes in 33 letters', `${'é'.repeat(33)}@example.com`],
    ['255 bytes', `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.example.com`],
    ['a megabyte', `${'a'.repeat(1_000_000)}@example.com`],
    ['a number', 42],
    ['null', null],
    ['undefined', undefined],
    ['a list', ['ann@example.com']],
    ['an object', { toString: () => 'ann@example.com' }],
  ])('is not %s', (_, text) => {
    expect(normalizeEmail(text)).toBeUndefined();
  });

  it('may be as long as mail allows', () => {
    const text = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(55)}.example.com`;
    expect(text).toHaveLength(254);
    expect(keyOf(text)).toBe(text);
  });
});
