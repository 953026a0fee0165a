import { describe, expect, it } from 'vitest';
import { chunkOf } from './chunk.js';
import { EncodedBatches } from './encoded-batches.js';

describe('EncodedBatches', () => {
  const some = () => chunkOf([Buffer.alloc(1000)]);
  let encoded = 0;
  const get = (batches: EncodedBatches, key: string) =>
    batches.get(key, () => {
      encoded += 1;
      return some();
    });

  it('keep those that were wanted last, up to their bytes, whichever tenant they are of', () => {
    const batches = new EncodedBatches(3 * 1400);
    const first = get(batches, 'a');
    for (const key of ['b', 'c', 'a', 'd']) get(batches, key);
    expect(batches.bytes).toBeLessThanOrEqual(3 * 1400);
    expect(get(batches, 'a')).toBe(first);
    encoded = 0;
    for (const key of ['c', 'd', 'a']) get(batches, key);
    expect(encoded).toBe(0);
    get(batches, 'b');
    expect(encoded).toBe(1);
    for (let n = 0; n < 10_000; n += 1) batches.get(`none${n}`, () => undefined);
    expect(batches.bytes).toBeLessThanOrEqual(3 * 1400);
  });

  it('keep what somebody has not taken, so that whoever gets there shares it', () => {
    const batches = new EncodedBatches(2 * 1400);
    const slow = get(batches, 'slow');
    const taken = [batches.lend('slow'), batches.lend('slow')];
    for (let n = 0; n < 10; n += 1) get(batches, `fast${n}`);
    taken[0]?.();
    expect(get(batches, 'slow')).toBe(slow);
    taken[1]?.();
    expect(get(batches, 'slow')).toBe(slow);
    for (let n = 0; n < 10; n += 1) get(batches, `fast${n}`);
    expect(get(batches, 'slow')).not.toBe(slow);
    expect(batches.bytes).toBeLessThanOrEqual(2 * 1400);
  });

  it('name their owners apart, also where one comes again under the name of another', () => {
    const batches = new EncodedBatches();
    expect(batches.newOwner()).not.toBe(batches.newOwner());
  });
});
