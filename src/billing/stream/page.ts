import type { EntryId } from '../log/entry-id.js';
import { encodeItems } from './channel.js';
import type { Chunk } from './chunk.js';
import { gapBetween, gapFrame } from './frame.js';
import type { RingItem } from './ring.js';
import type { TypeFilter } from './type-filter.js';

/** What a tenant had after some entry. */
export interface Page {
  /** In order, each with one event at least. */
  readonly slices: readonly PageSlice[];
  /** Everything up to this entry is in the slices: what is later, the next page tells, or the ring. */
  readonly upTo: EntryId;
}

/** Part of a page, as it is written at once: encoded once for all clients that were waiting for this page. */
export class PageSlice {
  private readonly encoded = new Map<string, Chunk | undefined>();

  /** @param items one at least */
  constructor(private readonly items: readonly RingItem[]) {}

  get first(): RingItem {
    return this.items[0] as RingItem;
  }

  get last(): RingItem {
    return this.items.at(-1) as RingItem;
  }

  /** Whether events are missing between those that are here. */
  get gapped(): boolean {
    return this.items.some(({ notice }) => notice !== undefined);
  }

  /** @returns undefined where the filter lets nothing pass */
  encode(filter: TypeFilter | undefined): Chunk | undefined {
    const key = filter?.key ?? '';
    if (!this.encoded.has(key)) this.encoded.set(key, encodeItems(this.items, filter));
    return this.encoded.get(key);
  }
}

/** Cuts events into slices of so many bytes, or of one event that has more. What is missing in between is said there. */
export function slicesOf(items: readonly RingItem[], mostBytes: number): PageSlice[] {
  const slices: PageSlice[] = [];
  let slice: RingItem[] = [];
  let bytes = 0;
  for (const item of items) {
    if (slice.length > 0 && bytes + item.frame.length > mostBytes) {
      slices.push(new PageSlice(slice));
      slice = [];
      bytes = 0;
    }
    const before = slice.at(-1);
    // What is missing before the first one depends on where a client stands.
    const gap = before && gapBetween(before.cursor, item.cursor);
    slice.push(gap ? { ...item, notice: gapFrame(gap) } : item);
    bytes += item.frame.length;
  }
  if (slice.length > 0) slices.push(new PageSlice(slice));
  return slices;
}
