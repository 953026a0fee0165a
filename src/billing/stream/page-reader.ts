import { Injectable } from '@nestjs/common';
import { type EntryId, ORIGIN, compareEntryIds, laterId } from '../log/entry-id.js';
import { EventLog } from '../log/event-log.js';
import type { Channel } from './channel.js';
import { cursorOf, eventFrame } from './frame.js';
import { LogReader } from './log-reader.js';
import { type Page, slicesOf } from './page.js';
import type { RingItem } from './ring.js';

/** Pages that are read at once: a storm of clients must not fill the memory of Redis with answers. */
const MOST_AT_ONCE = 8;
/** What a page should have: Redis counts in entries, so how many that are is guessed by those that came last. */
const PAGE_BYTES = 256 * 1024;
const MOST_ENTRIES = 500;
/** Where nobody knows yet how large they are. */
const FIRST_ENTRIES = 64;
/** Written at once to a client that reads pages: what it does not take is memory that it shares with few. */
export const PAGE_SLICE_BYTES = 64 * 1024;

/**
 * Reads what clients have missed from the streams of their tenants, a page at a time. Clients that stand at the same
 * place when a storm brings them back share one question and one answer.
 */
@Injectable()
export class PageReader {
  private readonly asked = new Map<string, Promise<Page>>();
  private readonly preparing = new WeakMap<Channel, Promise<void>>();
  /** Bytes of an event of the tenant, as they were in its last page. */
  private readonly eventBytes = new WeakMap<Channel, number>();
  private readonly waiting: (() => void)[] = [];
  private busy = 0;

  constructor(
    private readonly log: EventLog,
    private readonly reader: LogReader,
  ) {}

  /** Finds out where a tenant stands of whom nothing is known here yet. @throws RedisUnavailableError */
  prepare(channel: Channel): Promise<void> | undefined {
    if (channel.ring.last) return undefined;
    const asked = this.preparing.get(channel);
    if (asked) return asked;
    const answer = this.findBase(channel).finally(() => this.preparing.delete(channel));
    this.preparing.set(channel, answer);
    return answer;
  }

  /** What a tenant had after an entry, as far as this process has read the log. @throws RedisUnavailableError, RedisCommandError */
  after(channel: Channel, entryId: EntryId): Promise<Page> {
    const key = `${channel.tenantId} ${entryId}`;
    const asked = this.asked.get(key);
    if (asked) return asked;
    const answer = this.ask(channel, entryId).finally(() => this.asked.delete(key));
    this.asked.set(key, answer);
    return answer;
  }

  private async findBase(channel: Channel): Promise<void> {
    const { newest, sequence } = await this.log.tenantPosition(channel.tenantId);
    // An event that came meanwhile says it as well.
    if (!channel.ring.last) channel.ring.base = newest ?? { entryId: ORIGIN, sequence };
  }

  private async ask(channel: Channel, after: EntryId): Promise<Page> {
    await this.turn();
    try {
      return await this.read(channel, after);
    } finally {
      // The place goes to whoever waits, so that nobody else takes it in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.busy -= 1;
    }
  }

  private async read(channel: Channel, after: EntryId): Promise<Page> {
    const { tenantId, ring } = channel;
    const count = this.entriesOfPage(channel);
    // Before the question: whatever was read of the log by now is in the answer. The ring tells nothing up to its base.
    const readUpTo = laterId(this.reader.position, ring.base?.entryId ?? ORIGIN);
    const entries = await this.log.tenantPage(tenantId, { after, count });
    const items: RingItem[] = entries
      // Whatever somebody else put into the stream: nobody is told of another tenant.
      .filter((entry) => entry.tenantId === tenantId && compareEntryIds(entry.id, readUpTo) <= 0)
      .map((entry) => ({ cursor: cursorOf(entry), type: entry.type, frame: eventFrame(entry) }));
    this.noteSizes(channel, items);
    // A full page ends with what was looked at last, be it told or not: the next one goes on from there.
    const lastId = entries.length === count ? entries.at(-1)?.id : undefined;
    const upTo = lastId && compareEntryIds(lastId, readUpTo) < 0 ? lastId : readUpTo;
    return { slices: slicesOf(items, PAGE_SLICE_BYTES), upTo };
  }

  private entriesOfPage(channel: Channel): number {
    const { size, bytes } = channel.ring;
    const each = this.eventBytes.get(channel) ?? (size > 0 ? bytes / size : PAGE_BYTES / FIRST_ENTRIES);
    return Math.min(MOST_ENTRIES, Math.max(1, Math.ceil(PAGE_BYTES / each)));
  }

  private noteSizes(channel: Channel, items: readonly RingItem[]): void {
    if (items.length === 0) return;
    const bytes = items.reduce((sum, { frame }) => sum + frame.length, 0);
    this.eventBytes.set(channel, bytes / items.length);
  }

  private turn(): Promise<void> | undefined {
    if (this.busy < MOST_AT_ONCE) {
      this.busy += 1;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
