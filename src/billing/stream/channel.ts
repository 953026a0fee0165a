import { type Cursor } from '../log/cursor.js';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';
import type { LogEntry } from '../log/log-entry.js';
import { type Chunk, chunkOf } from './chunk.js';
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

/** Encoded batches that are kept while they are handed out: clients stand at few different places. */
const MOST_ENCODED = 32;

/** What one tenant's clients have in common: the last events, who listens, and batches that were encoded for one of them. */
export class Channel {
  readonly ring: TenantRing;
  readonly live = new Set<Listener>();
  /** Streams that are open, live or not yet. */
  streams = 0;
  private readonly encoded = new Map<string, Chunk | undefined>();

  constructor(
    readonly tenantId: string,
    mostEvents: number,
  ) {
    this.ring = new TenantRing(mostEvents);
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
    const key = `${from}:${to}:${filter?.key ?? ''}`;
    if (this.encoded.has(key)) return this.encoded.get(key);
    if (this.encoded.size >= MOST_ENCODED) this.encoded.clear();
    const chunk = encodeItems(this.ring.slice(from, to), filter);
    this.encoded.set(key, chunk);
    return chunk;
  }

  /** Everybody has been told. */
  forgetEncoded(): void {
    this.encoded.clear();
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
