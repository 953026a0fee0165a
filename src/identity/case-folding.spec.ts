import { describe, expect, it } from 'vitest';
import { foldCase } from './case-folding.js';

describe('Case folding', () => {
  it.each([
    ['MiXeD.42', 'mixed.42'],
    ['ÄÖÜ', 'äöü'],
    ['ſtrasse', 'strasse'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
    ['σίσυφος', 'σίσυφοσ'],
    ['\uFB05', '\uFB06'],
    ['ẞ', 'ß'],
  ])('makes %s to %s', (text, folded) => {
    expect(foldCase(text)).toBe(folded);
  });

  it.each([
    ['ı', 'i'],
    ['ß', 'ss'],
    ['ﬁ', 'fi'],
  ])('keeps %s apart from %s, which only look or sound alike', (one, other) => {
    expect(foldCase(one)).not.toBe(foldCase(other));
  });

  it('says of every letter what the flags iu say, and nothing new the second time', () => {
    const kinds = new Map<string, string[]>();
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const letter = String.fromCodePoint(code);
      if (!/[\p{Changes_When_Casemapped}]/u.test(letter)) continue;
      // In NFC the doubles of a few Greek letters are gone.
      const folded = foldCase(letter.normalize('NFC'));
      expect(foldCase(folded)).toBe(folded);
      kinds.set(folded, [...(kinds.get(folded) ?? []), letter]);
    }
    const representatives = [...kinds.keys()].filter((text) => Array.from(text).length === 1);
    expect(representatives.length).toBeGreaterThan(1300);
    const all = representatives.join('');
    for (const one of representatives) {
      const alike = new RegExp(`\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`, 'giu');
      expect([one, all.match(alike)]).toEqual([one, [one]]);
    }
  });
});
