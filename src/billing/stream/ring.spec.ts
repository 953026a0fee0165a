import { describe, expect, it } from 'vitest';
import type { Cursor } from '../log/cursor.js';
import { TenantRing } from './ring.js';

const cursor = (n: number): Cursor => ({ entryId: `${n * 10}-0`, sequence: n });
const item = (n: number, bytes = 10) => ({ cursor: cursor(n), type: 'x', frame: Buffer.alloc(bytes) });
const filled = (most: number, count: number) => {
  const ring = new TenantRing(most);
  ring.base = cursor(0);
  for (let n = 1; n <= count; n += 1) ring.append(item(n));
  return ring;
};
const numbers = (ring: TenantRing, from: number) =>
  ring.slice(from, ring.end).map((one) => one.cursor.sequence);

describe('TenantRing', () => {
  it('keeps the newest events, and says where on it tells everything', () => {
    const ring = filled(3, 5);
    expect([ring.first, ring.end, ring.size, ring.base, ring.last]).toEqual([2, 5, 3, cursor(2), cursor(5)]);
    expect(numbers(ring, ring.first)).toEqual([3, 4, 5]);
  });

  it.each([
    ['before what it has', '10-0', undefined],
    ['its base', '20-0', 2],
    ['between two events', '35-0', 3],
    ['an event', '40-0', 4],
    ['the last event', '50-0', 5],
    ['later', '99-0', 5],
  ] as const)('finds what comes after %s', (_what, entryId, index) => {
    expect(filled(3, 5).indexAfter(entryId)).toBe(index);
  });

  it('knows nothing while nobody has looked and nothing has happened', () => {
    const ring = new TenantRing(3);
    expect([ring.last, ring.indexAfter('0-0')]).toEqual([undefined, undefined]);
  });

  it('keeps its indexes over ten thousand events', () => {
    const ring = new TenantRing(100);
    ring.base = cursor(0);
    for (let n = 1; n <= 10_000; n += 1) {
      ring.append(item(n, 7));
      const index = ring.indexAfter(cursor(n - 1).entryId) as number;
      expect(ring.at(index)?.cursor.sequence).toBe(n);
    }
    expect(numbers(ring, ring.end - 3)).toEqual([9998, 9999, 10_000]);
    expect([ring.size, ring.bytes]).toEqual([100, 100 * 207]);
    expect(ring.bytesBetween(ring.first, ring.end)).toBe(ring.bytes);
    expect(ring.bytesBetween(ring.first + 1, ring.first + 3)).toBe(2 * 207);
  });

  it('ends batches at the same events for whoever comes from wherever, one event at least', () => {
    const ring = filled(10, 9);
    const [block] = [2 * 207];
    expect([0, 1, 2, 3, 4].map((from) => ring.blockEnd(from, block))).toEqual([2, 2, 4, 4, 6]);
    expect([ring.blockEnd(3, 1), ring.blockEnd(8, 1e9), ring.blockEnd(0, 1e9)]).toEqual([4, 9, 9]);
    for (let n = 0; n < 5; n += 1) ring.dropOldest();
    expect([5, 6, 7].map((from) => ring.blockEnd(from, block))).toEqual([6, 8, 8]);
  });

  it('forgets everything and goes on with the same indexes', () => {
    const ring = filled(3, 5);
    ring.clear(cursor(7));
    expect([ring.first, ring.end, ring.bytes, ring.last]).toEqual([5, 5, 0, cursor(7)]);
    ring.append(item(8));
    expect([ring.at(5)?.cursor, ring.indexAfter(cursor(7).entryId)]).toEqual([cursor(8), 5]);
  });
});
