import type { Cursor } from '../log/cursor.js';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';

/** An event as it will be sent, with where a client stands that has it. */
export interface RingItem {
  readonly cursor: Cursor;
  readonly type: string;
  readonly frame: Buffer;
  /** Said before the event, whatever the client filters: that events are missing before it. */
  readonly notice?: Buffer;
}

interface Kept extends RingItem {
  /** Bytes of the ring up to and with this item, from the beginning of time. */
  readonly endsAt: number;
}

/** What an item takes beside its bytes, roughly. */
const ITEM_BYTES = 200;

/**
 * The last events of one tenant in memory. An item has an index that it keeps for ever: `first` is that of the oldest one
 * kept, `end` that of the next one to come.
 *
 * `base` is the last event before the ring. With it the ring tells everything that happened after: nothing lies between
 * `base` and the first item. Unknown as long as nobody has looked and nothing has happened.
 */
export class TenantRing {
  first = 0;
  end = 0;
  base: Cursor | undefined;
  private items: Kept[] = [];
  /** Of `items` that were dropped and are still in the array. */
  private dropped = 0;
  private writtenBytes = 0;
  private droppedBytes = 0;

  /** @param most events */
  constructor(private readonly most: number) {}

  /** The newest event, in the ring or before it. */
  get last(): Cursor | undefined {
    return this.items.length > this.dropped ? this.items.at(-1)?.cursor : this.base;
  }

  get size(): number {
    return this.end - this.first;
  }

  /** Of what is kept. */
  get bytes(): number {
    return this.writtenBytes - this.droppedBytes;
  }

  append(item: RingItem): void {
    this.writtenBytes += item.frame.length + (item.notice?.length ?? 0) + ITEM_BYTES;
    this.items.push({ ...item, endsAt: this.writtenBytes });
    this.end += 1;
    if (this.size > this.most) this.dropOldest();
  }

  dropOldest(): void {
    const oldest = this.items[this.dropped];
    if (!oldest) return;
    this.base = oldest.cursor;
    this.droppedBytes = oldest.endsAt;
    this.dropped += 1;
    this.first += 1;
    // Now and then, so that dropping costs the same however many are kept.
    if (this.dropped <= 64 || this.dropped * 2 < this.items.length) return;
    this.items = this.items.slice(this.dropped);
    this.dropped = 0;
  }

  /** Forgets everything; `base` says from where on the ring tells everything again. */
  clear(base: Cursor | undefined): void {
    this.items = [];
    this.dropped = 0;
    this.droppedBytes = this.writtenBytes;
    this.first = this.end;
    this.base = base;
  }

  at(index: number): RingItem | undefined {
    return this.items[index - this.first + this.dropped];
  }

  slice(from: number, to: number): readonly RingItem[] {
    const offset = this.dropped - this.first;
    return this.items.slice(from + offset, to + offset);
  }

  /** Of the items from `from` up to `to`. */
  bytesBetween(from: number, to: number): number {
    if (to <= from) return 0;
    return this.startOf(to) - this.startOf(from);
  }

  /**
   * Index behind the last item that begins in the same block of so many bytes as the one at `from`. Whoever comes from
   * wherever is at the ends of blocks then, so that all get the same batches.
   */
  blockEnd(from: number, blockBytes: number): number {
    const block = Math.floor(this.startOf(from) / blockBytes);
    let to = Math.min(from + 1, this.end);
    while (to < this.end && Math.floor(this.startOf(to) / blockBytes) === block) to += 1;
    return to;
  }

  /** @returns index of the first event after this entry; undefined where older ones may be missing here */
  indexAfter(entryId: EntryId): number | undefined {
    if (!this.base || compareEntryIds(entryId, this.base.entryId) < 0) return undefined;
    let low = this.dropped;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { cursor } = this.items[middle] as Kept;
      if (compareEntryIds(cursor.entryId, entryId) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - this.dropped + this.first;
  }

  /** Bytes of the ring before an item, from the beginning of time. */
  private startOf(index: number): number {
    if (index === this.first) return this.droppedBytes;
    return this.items[index - this.first + this.dropped - 1]?.endsAt ?? 0;
  }
}
