import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyRing, keysOf } from './key-ring.js';
import { Secret } from './redact.js';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);
const ring = (...keys: string[]) => new KeyRing(new Secret(keys.join(',')));

describe('A key ring', () => {
  it('writes with the first secret and reads with all', () => {
    const digest = ring(OLD).digest('mail', 'a@example.com');
    const sealed = ring(OLD).seal('mail', 'a@example.com');
    expect(digest).toMatch(/^[\w-]{43}$/);
    for (const [keys, known] of [
      [[OLD], true],
      [[NEW, OLD], true],
      [[OLD, NEW], true],
      [[NEW], false],
    ] as const) {
      expect([keys, ring(...keys).matches('mail', 'a@example.com', digest)]).toEqual([keys, known]);
      expect([keys, ring(...keys).open('mail', sealed)]).toEqual([keys, known ? 'a@example.com' : undefined]);
    }
    expect(ring(NEW, OLD).digest('mail', 'a@example.com')).toBe(ring(NEW).digest('mail', 'a@example.com'));
    expect(ring(NEW, OLD).digests('mail', 'a@example.com')).toEqual([
      ring(NEW).digest('mail', 'a@example.com'),
      digest,
    ]);
  });

  it('derives the key of each use as RFC 5869 says', () => {
    const key = Buffer.from(hkdfSync('sha256', NEW, '', 'bulkhead\0digest', 32));
    const expected = createHmac('sha256', key).update('mail\0a@example.com').digest('base64url');
    expect(ring(NEW).digest('mail', 'a@example.com')).toBe(expected);
    const sealed = Buffer.from(ring(NEW).seal('mail', 'ä'), 'base64url');
    const sealKey = Buffer.from(hkdfSync('sha256', NEW, '', 'bulkhead\0seal\0mail', 32));
    const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(-16));
    expect(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString()).toBe('ä');
  });

  it('keeps its uses apart', () => {
    const keys = ring(NEW);
    expect(keys.digest('mail', 'x')).not.toBe(keys.digest('address', 'x'));
    expect(keys.matches('address', 'x', keys.digest('mail', 'x'))).toBe(false);
    expect(keys.open('address', keys.seal('mail', 'x'))).toBeUndefined();
  });

  it('seals the same text into another one each time, and opens nothing that was changed', () => {
    const keys = ring(NEW);
    const sealed = keys.seal('mail', 'ä\u0000€');
    expect(sealed).not.toBe(keys.seal('mail', 'ä\u0000€'));
    expect(keys.open('mail', sealed)).toBe('ä\u0000€');
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const other = Buffer.from(bytes);
      other.writeUInt8(other.readUInt8(at) ^ 1, at);
      expect(keys.open('mail', other.toString('base64url'))).toBeUndefined();
    }
  });

  it.each(['', 'x', 'AAAA', '!'.repeat(100), '\u0000'])(
    'takes %j for neither a digest nor a sealed text',
    (text) => {
      expect(ring(NEW).matches('mail', 'x', text)).toBe(false);
      expect(ring(NEW).open('mail', text)).toBeUndefined();
    },
  );

  it('has at least one secret, and no empty one', () => {
    expect(() => ring('', ' ')).toThrow(RangeError);
    expect(keysOf(new Secret(` ${NEW} ,, ${OLD}`))).toEqual([NEW, OLD]);
  });
});
