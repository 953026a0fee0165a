import { randomBytes } from 'node:crypto';
import { type DeflateRaw, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PACKING, pack, packerOf } from './packing.js';

const event = (n: number): string =>
  JSON.stringify({ id: `evt_${n}`, data: { object: { id: `in_${n}`, lines: Array(n % 40).fill('x€ü') } } });

const TEXTS: Readonly<Record<string, string>> = {
  'one character': '{',
  'an event': event(17),
  'four kilobytes of what cannot be packed': randomBytes(3072).toString('base64'),
  'letters of two, three and four bytes': 'ü€😀'.repeat(900),
  'half a pair': `\ud83d${'x'.repeat(90)}`,
  'as much as is packed with the tables of all': 'abc€'.repeat(5461),
  'one character more': `${'abc€'.repeat(5461)}x`,
  'as much noise as is packed with the tables of all': randomBytes(16_000)
    .toString('base64')
    .slice(0, 21_845),
  'half a megabyte': JSON.stringify({ pad: 'x1'.repeat(256 * 1024) }),
};

describe('packing', () => {
  it.each(Object.keys(TEXTS))('gives the bytes of deflateRawSync for %s', (name) => {
    const text = TEXTS[name] as string;
    expect(pack(text).equals(deflateRawSync(text, PACKING))).toBe(true);
  });

  it('carries nothing over from one text to the next', () => {
    const own = packerOf(createDeflateRaw(PACKING));
    for (let n = 0; n < 500; n += 1) {
      const packed = own?.(event(n)) as Buffer;
      expect(packed.equals(deflateRawSync(event(n), PACKING))).toBe(true);
      expect(inflateRawSync(packed).toString()).toBe(event(n));
    }
  });

  it('gives bytes that the next text does not change', () => {
    const first = pack(event(1));
    const copy = Buffer.from(first);
    for (let n = 2; n < 50; n += 1) pack(event(n));
    expect(first.equals(copy)).toBe(true);
  });

  it('uses the engine of this runtime', () => {
    expect(packerOf(createDeflateRaw(PACKING))).toBeDefined();
  });

  it('is left to deflateRawSync where the engine is another one, or gives other bytes', () => {
    expect(packerOf({} as DeflateRaw)).toBeUndefined();
    expect(
      packerOf({ _handle: { reset: () => undefined }, _writeState: new Uint32Array(2) } as never),
    ).toBeUndefined();
    expect(packerOf(createDeflateRaw({ ...PACKING, level: 0 }))).toBeUndefined();
  });
});
