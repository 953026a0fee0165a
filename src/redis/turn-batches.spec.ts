import { describe, expect, it } from 'vitest';
import { type Batch, TurnBatches } from './turn-batches.js';

/** Ten to a batch, and what is in it sums up to a hundred at most. */
class Numbers implements Batch<number> {
  readonly items: number[] = [];

  get isFull(): boolean {
    return this.items.length === 10;
  }

  hasRoomFor(item: number): boolean {
    return this.items.reduce((sum, one) => sum + one, item) <= 100;
  }

  add(item: number): void {
    this.items.push(item);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function gather() {
  const sent: number[][] = [];
  const batches = new TurnBatches(
    () => new Numbers(),
    ({ items }) => void sent.push(items),
  );
  return { sent, batches };
}

describe('TurnBatches', () => {
  it('sends what came in one turn at its end, in order', async () => {
    const { sent, batches } = gather();
    for (const item of [1, 2, 3]) batches.add(item);
    expect(sent).toEqual([]);
    await turn();
    expect(sent).toEqual([[1, 2, 3]]);
    batches.add(4);
    await turn();
    expect(sent).toEqual([[1, 2, 3], [4]]);
  });

  it('sends a full batch at once, and nothing twice', async () => {
    const { sent, batches } = gather();
    for (let item = 0; item < 23; item += 1) batches.add(item % 3);
    expect(sent.map(({ length }) => length)).toEqual([10, 10]);
    await turn();
    await turn();
    expect(sent.map(({ length }) => length)).toEqual([10, 10, 3]);
  });

  it('begins another batch for what has no room, and takes one that is too large for any alone', async () => {
    const { sent, batches } = gather();
    for (const item of [60, 50, 200, 1]) batches.add(item);
    await turn();
    expect(sent).toEqual([[60], [50], [200], [1]]);
  });
});
