import { Injectable } from '@nestjs/common';
import { type EntryId, ORIGIN, compareEntryIds } from '../log/entry-id.js';
import { EventLog } from '../log/event-log.js';
import type { Channel } from './channel.js';
import { cursorOf, eventFrame } from './frame.js';
import { LogReader } from './log-reader.js';
import type { RingItem } from './ring.js';

/** Pages that are read at once: a storm of clients must not fill the memory of Redis with answers. */
const MOST_AT_ONCE = 8;

/** What a tenant had after some entry. */
export interface Page {
  readonly items: readonly RingItem[];
  /** Everything up to this entry is in `items`, unless the page is full: what is later, the ring tells. */
  readonly upTo: EntryId;
  readonly full: boolean;
}

/**
 * Reads what clients have missed from the streams of their tenants, a page at a time. Clients that stand at the same
 * place when a storm brings them back share one question and one answer.
 */
@Injectable()
export class PageReader {
  private readonly asked = new Map<string, Promise<Page>>();
  private readonly preparing = new WeakMap<Channel, Promise<void>>();
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
  after(channel: Channel, entryId: EntryId, count: number): Promise<Page> {
    const key = `${channel.tenantId} ${entryId} ${count}`;
    const asked = this.asked.get(key);
    if (asked) return asked;
    const answer = this.ask(channel, entryId, count).finally(() => this.asked.delete(key));
    this.asked.set(key, answer);
    return answer;
  }

  private async findBase(channel: Channel): Promise<void> {
    const { newest, sequence } = await this.log.tenantPosition(channel.tenantId);
    // An event that came meanwhile says it as well.
    if (!channel.ring.last) channel.ring.base = newest ?? { entryId: ORIGIN, sequence };
  }

  private async ask({ tenantId, ring }: Channel, after: EntryId, count: number): Promise<Page> {
    await this.turn();
    try {
      // Before the question: whatever was read of the log by now is in the answer. The ring tells nothing up to its base.
      const upTo = later(this.reader.position, ring.base?.entryId ?? ORIGIN);
      const entries = await this.log.tenantPage(tenantId, { after, count });
      const known = entries.filter(
        // Whatever somebody else put into the stream: nobody is told of another tenant.
        (entry) => entry.tenantId === tenantId && compareEntryIds(entry.id, upTo) <= 0,
      );
      const items = known.map((entry) => ({
        cursor: cursorOf(entry),
        type: entry.type,
        frame: eventFrame(entry),
      }));
      return {
        items,
        upTo,
        full: entries.length === count && compareEntryIds(entries.at(-1)?.id ?? ORIGIN, upTo) <= 0,
      };
    } finally {
      // The place goes to whoever waits, so that nobody else takes it in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.busy -= 1;
    }
  }

  private turn(): Promise<void> | undefined {
    if (this.busy < MOST_AT_ONCE) {
      this.busy += 1;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

export function later(a: EntryId, b: EntryId): EntryId {
  return compareEntryIds(a, b) >= 0 ? a : b;
}
