import { describe, expect, it } from 'vitest';
import { KeyRing } from './key-ring.js';
import { Secret } from './redact.js';
import { readSignedText, signText } from './signed-text.js';

const ring = new KeyRing(new Secret('newest,older'));
const LONGEST = 100;

describe('A signed text', () => {
  it('is read back, also where it was signed with an older key', () => {
    expect(readSignedText(ring, signText(ring, 'a.b'), LONGEST)).toBe('a.b');
    const older = new KeyRing(new Secret('older'));
    expect(readSignedText(ring, signText(older, 'a.b'), LONGEST)).toBe('a.b');
    expect(readSignedText(older, signText(ring, 'a.b'), LONGEST)).toBeUndefined();
  });

  it('is worth nothing with one character changed, added or left out', () => {
    const text = signText(ring, 'a.b');
    // Every character of the alphabet, so those too that differ in bits that decoding ignores.
    const others = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. ');
    const forged = Array.from(text).flatMap((_, at) => {
      const [before, after] = [text.slice(0, at), text.slice(at + 1)];
      return others.flatMap((other) => [`${before}${other}${after}`, `${before}${other}${text.slice(at)}`]);
    });
    const shortened = Array.from(text).map((_, at) => text.slice(0, at) + text.slice(at + 1));
    const read = [...forged, ...shortened]
      .filter((one) => one !== text)
      .filter((one) => readSignedText(ring, one, LONGEST) !== undefined);
    expect(read).toEqual([]);
  });

  it.each([undefined, null, 0, '', '.', [], {}, '\ud800', '__proto__', `.${'A'.repeat(43)}`])(
    'is not %j',
    (text) => {
      expect(readSignedText(ring, text, LONGEST)).toBeUndefined();
    },
  );

  it('is no longer than told', () => {
    const text = signText(ring, 'x'.repeat(LONGEST - 44));
    expect(readSignedText(ring, text, LONGEST)).toBeDefined();
    expect(readSignedText(ring, text, LONGEST - 1)).toBeUndefined();
  });
});
