import { describe, expect, it } from 'vitest';
import { BloomFilter } from './bloom-filter.js';

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `text ${from + at}`);

describe('A Bloom filter', () => {
  const filter = BloomFilter.sizedFor(1000, 0.01);
  for (const text of texts(0, 1000)) filter.add(text);

  it('misses none of its members', () => {
    expect(texts(0, 1000).filter((text) => !filter.has(text))).toEqual([]);
  });

  it('takes about as many others for members as it was sized for', () => {
    const taken = texts(1000, 21_000).filter((text) => filter.has(text)).length;
    expect(taken).toBeGreaterThan(50);
    expect(taken).toBeLessThan(400);
  });

  it('is the same after it was written and read', () => {
    const read = BloomFilter.fromBytes(filter.toBytes());
    for (const text of texts(0, 3000)) expect(read.has(text)).toBe(filter.has(text));
  });

  it('reads nothing that was cut, or was never one', () => {
    const bytes = filter.toBytes();
    const changed = Buffer.from(bytes);
    changed.writeUInt8(255, 6);
    for (const broken of [bytes.subarray(0, -1), bytes.subarray(0, 8), Buffer.alloc(0), changed]) {
      expect(() => BloomFilter.fromBytes(broken)).toThrow(RangeError);
    }
    expect(() => BloomFilter.fromBytes(Buffer.from('not a filter at all'))).toThrow(/is not a Bloom filter/);
  });
});
