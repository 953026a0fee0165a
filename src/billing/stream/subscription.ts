import { Logger } from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import { RedisUnavailableError } from '../../redis/index.js';
import type { Cursor } from '../log/cursor.js';
import { type EntryId, compareEntryIds, laterId } from '../log/entry-id.js';
import type { Channel, Listener } from './channel.js';
import type { Chunk } from './chunk.js';
import type { CloseReason, EndReason } from './close-reason.js';
import { type Gap, byeFrame, cursorFrame, gapBetween, gapFrame, retryFrame } from './frame.js';
import type { Hub } from './hub.js';
import type { Page } from './page.js';
import type { PageReader } from './page-reader.js';
import type { RingItem } from './ring.js';
import type { StreamMetrics } from './stream-metrics.js';
import type { StreamSocket } from './stream-socket.js';
import type { TypeFilter } from './type-filter.js';

/** Of what happens now, written at once: one Buffer for all who listen. Whoever has more to come catches up. */
const LIVE_BYTES = 256 * 1024;
/**
 * Written at once to a client that catches up, and as much may wait for it before it has to take it. Clients that catch up
 * stand at many places, so that each may hold a Buffer of its own.
 */
const SLICE_BYTES = 64 * 1024;
/** Given to one client in a turn of the event loop; what the kernel takes at once may be megabytes. */
const TURN_BYTES = 256 * 1024;
/** Until a page that Redis did not give is asked for again. */
const RETRY_MS = 1000;

const logger = new Logger('BillingStream');

export interface SubscriptionParts {
  readonly channel: Channel;
  readonly socket: StreamSocket;
  readonly hub: Hub;
  readonly pages: PageReader;
  readonly metrics: StreamMetrics;
  readonly clock: Clock;
  readonly filter: TypeFilter | undefined;
  readonly maxPendingBytes: number;
}

/** Where a client says that it stands: nowhere yet, at a cursor, or at something that is none. */
export type StartAt = Cursor | 'now' | 'invalid';

/**
 * One client of a tenant's events: from its cursor through the ring, or through pages of Redis, to what happens now. Each
 * event comes once and in order, and where one cannot come any more, a `gap` stands in its place.
 */
export class Subscription implements Listener {
  next = 0;
  /** The last event that was sent, or let out by the filter, or is missing for good. */
  private at: Cursor;
  /** Nothing of this tenant is left to be sent up to this entry; not before `at`. */
  private readTo: EntryId;
  /** The client's own cursor is older than `at`, because its filter let out what came since. */
  private lagging = false;
  private source: 'ring' | 'redis' | 'ahead' = 'ring';
  private gapped = false;
  private resuming = false;
  private over = false;
  private waiting: (() => void) | undefined;
  private retry: Timer | undefined;

  /** @param parts whose channel was prepared */
  constructor(private readonly parts: SubscriptionParts) {
    this.at = parts.channel.ring.last ?? { entryId: parts.hub.position, sequence: 0 };
    this.readTo = this.at.entryId;
  }

  get pendingBytes(): number {
    return this.parts.socket.pendingBytes;
  }

  start(startAt: StartAt): void {
    const { socket, hub } = this.parts;
    const first = retryFrame(retryMs());
    if (startAt === 'now' || startAt === 'invalid') {
      // A cursor in the first bytes: whatever happens after them can be asked for.
      const gap = startAt === 'invalid' ? [gapFrame({ reason: 'invalid' })] : [];
      socket.write(first, ...gap, cursorFrame(this.at));
      return this.goLive();
    }
    socket.write(first);
    this.resuming = true;
    this.at = startAt;
    this.readTo = startAt.entryId;
    if (compareEntryIds(this.readTo, hub.position) <= 0) return this.catchUp();
    this.source = 'ahead';
    this.waiting = hub.awaitEntry(this.readTo, (reached) => (reached ? this.catchUp() : this.startOver()));
  }

  /** What was read since; called by the hub. */
  deliver(): void {
    const { channel, socket, filter, maxPendingBytes } = this.parts;
    const { ring } = channel;
    if (socket.pendingBytes > maxPendingBytes) return this.drop('slow');
    if (this.next < ring.first || ring.bytesBetween(this.next, ring.end) > LIVE_BYTES) {
      channel.live.delete(this);
      return this.catchUp();
    }
    const chunk = channel.encode(this.next, ring.end, filter);
    this.sent(ring.at(ring.end - 1) as RingItem);
    this.next = ring.end;
    this.send(chunk);
  }

  tell(frame: Buffer): void {
    if (!this.over) this.parts.socket.write(frame);
  }

  /** Proves that the connection lives; and that time has passed, to a client whose filter lets nothing through. */
  beat(frame: Buffer, stallMs: number): void {
    const { channel, socket, maxPendingBytes } = this.parts;
    if (this.over) return;
    if (socket.stalledMs() >= stallMs) return this.drop('stalled');
    // What waits for a client that catches up was measured out to it.
    if (channel.live.has(this) && socket.pendingBytes > maxPendingBytes) return this.drop('slow');
    // The cursor first: a heartbeat that a script sees comes with it.
    socket.write(...(this.lagging ? [cursorFrame(this.at)] : []), frame);
    this.lagging = false;
  }

  /** Says goodbye and ends the answer. */
  end(reason: EndReason): void {
    if (this.over) return;
    const { socket } = this.parts;
    const comesAgain = reason === 'age' || reason === 'drain';
    if (this.lagging) socket.write(cursorFrame(this.at));
    socket.write(byeFrame(reason, comesAgain ? retryMs() : undefined));
    this.leave(reason);
    socket.end();
  }

  /** The connection has ended. */
  closed(): void {
    this.leave('client');
  }

  private drop(reason: 'slow' | 'stalled'): void {
    this.leave(reason);
    this.parts.socket.destroy();
  }

  private leave(reason: CloseReason): void {
    if (this.over) return;
    this.over = true;
    this.parts.channel.live.delete(this);
    this.waiting?.();
    this.retry?.cancel();
    this.parts.metrics.closed(reason);
  }

  /** As far as it goes in this turn: through the ring to the end, or to the next thing that has to be waited for. */
  private catchUp(): void {
    const { channel, socket, filter } = this.parts;
    const { ring } = channel;
    for (let given = 0; !this.over;) {
      if (socket.pendingBytes > SLICE_BYTES) return socket.onceTaken(() => this.catchUp());
      const from = ring.indexAfter(this.readTo);
      if (from === undefined) return void this.page();
      const first = ring.at(from);
      if (!first) return this.arrive();
      if (given >= TURN_BYTES) return void setImmediate(() => this.catchUp());
      if (!first.notice) this.mind(first.cursor);
      const to = ring.blockEnd(from, SLICE_BYTES);
      given += ring.bytesBetween(from, to);
      this.sent(ring.at(to - 1) as RingItem);
      const chunk = channel.encode(from, to, filter);
      if (chunk) this.send(chunk, channel.lend(from, to, filter));
    }
  }

  private async page(): Promise<void> {
    const { channel, pages } = this.parts;
    try {
      await pages.prepare(channel);
      const page = await pages.after(channel, this.readTo);
      if (this.over) return;
      if (this.source === 'ring') this.source = 'redis';
      this.sendPage(page);
    } catch (error) {
      return this.failed(error);
    }
    this.catchUp();
  }

  /** As much as the client takes. The rest is read again when it has: a page that waited would be memory of its own. */
  private sendPage({ slices, upTo }: Page): void {
    const { socket, filter } = this.parts;
    for (const slice of slices) {
      if (socket.pendingBytes > SLICE_BYTES) return;
      this.mind(slice.first.cursor);
      this.gapped ||= slice.gapped;
      this.sent(slice.last);
      this.send(slice.encode(filter));
    }
    this.readTo = laterId(this.readTo, upTo);
  }

  private failed(error: unknown): void {
    if (this.over) return;
    if (!(error instanceof RedisUnavailableError)) {
      logger.error("A stream of billing events had to end: its tenant's events cannot be read", error);
      return this.end('error');
    }
    // The stream stays open meanwhile: everything is there when Redis is back.
    this.retry = this.parts.clock.after(RETRY_MS, () => this.catchUp());
  }

  /** Everything that is there has been sent. What the tenant has had beside it is gone. */
  private arrive(): void {
    const { sequence } = this.parts.channel.ring.last as Cursor;
    const missed = sequence - this.at.sequence;
    if (missed !== 0) {
      this.say(missed > 0 ? { reason: 'trimmed', from: this.at, missed } : { reason: 'unknown' });
      this.at = { entryId: this.at.entryId, sequence };
      this.parts.socket.write(cursorFrame(this.at));
    }
    this.goLive();
  }

  /** Its cursor is not to be found: it is told so, and goes on with what happens from now on. */
  private startOver(): void {
    this.say({ reason: 'unknown' });
    const { last } = this.parts.channel.ring;
    if (!last) return void this.page();
    this.at = last;
    this.readTo = last.entryId;
    this.parts.socket.write(cursorFrame(last));
    this.goLive();
  }

  private goLive(): void {
    const { channel, metrics } = this.parts;
    this.next = channel.ring.end;
    channel.live.add(this);
    if (this.resuming) metrics.resumed(this.source, this.gapped ? 'gap' : 'exact');
    this.resuming = false;
  }

  private mind(next: Cursor): void {
    const gap = gapBetween(this.at, next);
    if (gap) this.say(gap);
  }

  private say(gap: Gap): void {
    this.gapped = true;
    this.parts.socket.write(gapFrame(gap));
  }

  private sent({ cursor, type }: RingItem): void {
    this.at = cursor;
    this.readTo = cursor.entryId;
    this.lagging = this.parts.filter?.passes(type) === false;
  }

  private send(chunk: Chunk | undefined, done?: () => void): void {
    if (!chunk) return;
    this.parts.socket.send(chunk, done);
    this.parts.metrics.sent(chunk.events);
  }
}

/** Clients whose streams ended together do not come back together, milliseconds. */
function retryMs(): number {
  return 1000 + Math.random() * 4000;
}
