import { type Cursor } from '../log/cursor.js';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';
import type { LogEntry } from '../log/log-entry.js';
import { type Chunk, chunkOf } from './chunk.js';
import type { EncodedBatches } from './encoded-batches.js';
import { cursorOf, eventFrame, gapFrame } from './frame.js';
import { type RingItem, TenantRing } from './ring.js';
import type { TypeFilter } from './type-filter.js';

/** Whoever has everything up to an index of the ring, and is told what comes. */
export interface Listener {
  /** Index of the first item that it does not have. */
  next: number;
  deliver(): void;
  /** Something that is no event, at once. */
  tell(frame: Buffer): void;
}

/** What one tenant's clients have in common: the last events, who listens, and what was encoded of it for one of them. */
export class Channel {
  readonly ring: TenantRing;
  readonly live = new Set<Listener>();
  /** Streams that are open, live or not yet. */
  streams = 0;
  private readonly owner: string;

  constructor(
    readonly tenantId: string,
    mostEvents: number,
    private readonly batches: EncodedBatches,
  ) {
    this.ring = new TenantRing(mostEvents);
    this.owner = batches.newOwner();
  }

  /**
   * @param before entry that the log was read up to before: nothing of this tenant lies between it and `entry`
   */
  append(entry: LogEntry, before: EntryId): void {
    const cursor = cursorOf(entry);
    const { last } = this.ring;
    if (!last) {
      this.ring.base = { entryId: before, sequence: cursor.sequence - 1 };
    } else if (compareEntryIds(cursor.entryId, last.entryId) <= 0) {
      // It was there already when somebody looked where the tenant stands.
      return;
    }
    const notice = last && this.noticeOf(last, cursor);
    this.ring.append({
      cursor,
      type: entry.type,
      frame: eventFrame(entry),
      ...(notice ? { notice } : {}),
    });
  }

  /** The log is another one: what is here leads nowhere any more. */
  reset(): void {
    const notice = gapFrame({ reason: 'reset' });
    this.ring.clear(undefined);
    for (const listener of this.live) listener.tell(notice);
  }

  /** The items from `from` up to `to` for this filter; undefined where it lets none of them pass. */
  encode(from: number, to: number, filter: TypeFilter | undefined): Chunk | undefined {
    const key = this.keyOf(from, to, filter);
    return this.batches.get(key, () => encodeItems(this.ring.slice(from, to), filter));
  }

  /** A client has what was just encoded to take in its own time. @returns to be called when it has, or has left */
  lend(from: number, to: number, filter: TypeFilter | undefined): () => void {
    return this.batches.lend(this.keyOf(from, to, filter));
  }

  private keyOf(from: number, to: number, filter: TypeFilter | undefined): string {
    return `${this.owner}:${from}:${to}:${filter?.key ?? ''}`;
  }

  private noticeOf(last: Cursor, cursor: Cursor): Buffer | undefined {
    const missed = cursor.sequence - last.sequence - 1;
    if (missed === 0) return undefined;
    if (missed > 0) return gapFrame({ reason: 'trimmed', from: last, oldest: cursor, missed });
    // Counted anew: the log was lost, or what was written last before a crash.
    this.ring.clear({ entryId: last.entryId, sequence: cursor.sequence - 1 });
    return gapFrame({ reason: 'reset' });
  }
}

export function encodeItems(items: readonly RingItem[], filter: TypeFilter | undefined): Chunk | undefined {
  const frames: Buffer[] = [];
  let events = 0;
  for (const { type, frame, notice } of items) {
    if (notice) frames.push(notice);
    if (filter && !filter.passes(type)) continue;
    frames.push(frame);
    events += 1;
  }
  return frames.length > 0 ? chunkOf(frames, events) : undefined;
}
