import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SLOTS, keySlot } from './key-slot.js';

/** CRC16-XMODEM as the specification words it, bit by bit. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

describe('keySlot', () => {
  it('is that of the specification', () => {
    // https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/: "123456789" has 31C3.
    expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
    expect(keySlot('123456789')).toBe(0x31c3 % SLOTS);
  });

  it.each([
    ['no braces', 'st:a:1', 'st:a:1'],
    ['nothing at all', '', ''],
    ['braces at the end', 'st:{42}', '42'],
    ['braces in the middle', 'user:{42}:a', '42'],
    ['two pairs of braces', 'foo{bar}{zap}', 'bar'],
    ['braces in braces', 'foo{{bar}}zap', '{bar'],
    ['empty braces', 'foo{}', 'foo{}'],
    ['empty braces before others', 'foo{}{bar}', 'foo{}{bar}'],
    ['empty braces before a closing one', '{}a}', '{}a}'],
    ['a brace that is not closed', 'foo{bar', 'foo{bar'],
    ['a brace that is not opened', 'foo}bar', 'foo}bar'],
    ['braces the wrong way round', '}foo{', '}foo{'],
    ['a closing one before a pair', 'a}b{c}d', 'c'],
    ['letters beyond ASCII', 'ключ:{ё}', 'ё'],
    ['signs beyond the basic plane', '鍵:🔑', '鍵:🔑'],
    ['half a surrogate pair, as it is written to the socket', 'a:\ud83d', 'a:\ud83d'],
  ])('hashes of a key with %s what counts', (_, key, hashed) => {
    expect(keySlot(key)).toBe(crc16(Buffer.from(hashed)) % SLOTS);
    expect(keySlot(Buffer.from(key))).toBe(keySlot(key));
  });

  it('is the same as bit by bit for ten thousand digests, whatever braces they hold', () => {
    const digests = Array.from({ length: 10_000 }, (_, n) => createHash('sha512').update(`${n}`).digest());
    const tagged = digests.filter((digest) => /\{[^}]+\}/s.test(digest.toString('latin1')));
    const empty = digests.filter((digest) => digest.includes('{}'));
    expect(tagged.length).toBeGreaterThan(0);
    expect(empty.length).toBeGreaterThan(0);
    const wrong = digests.filter((digest) => {
      const [, tag] = /^[^{]*\{([^}]+)\}/s.exec(digest.toString('latin1')) ?? [];
      const hashed = tag === undefined ? digest : Buffer.from(tag, 'latin1');
      return keySlot(digest) !== crc16(hashed) % SLOTS;
    });
    expect(wrong).toEqual([]);
  });
});
