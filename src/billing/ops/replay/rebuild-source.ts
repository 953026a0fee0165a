import { type EntryId, compareEntryIds, idAfter, idBefore, laterId } from '../../log/entry-id.js';
import type { EventLog } from '../../log/event-log.js';
import type { LogEntry } from '../../log/log-entry.js';
import type { RebuildStore } from './rebuild-store.js';

/** A part of what the stream of a tenant should hold. */
export interface SourcePage {
  /** Of the tenant, oldest first. */
  readonly entries: readonly LogEntry[];
  /** Everything up to here is in this page or in one before it. */
  readonly upTo: EntryId;
  /** Entries that were read for it, whoever's they are. */
  readonly looked: number;
}

const PAGE = 500;
/** Clocks of servers differ, and what the tenant gets meanwhile comes behind the log as it is. */
const MOST_AHEAD_MS = 86_400_000n;
/** From here on append.lua follows no stream. */
const LAST_FOLLOWED_MS = 2n ** 53n - 1n;
const LARGEST_MS = 2n ** 64n - 1n;

/**
 * Where the stream of a tenant has to end: nothing that was appended lies further ahead of the log and of the clock, and the
 * next delivery would take the whole log there, or could not be kept at all.
 *
 * @param tail of the log
 */
export function endOfStream(tail: EntryId, nowMs: number): EntryId {
  const tailMs = BigInt(tail.split('-', 1)[0] as string);
  const clockMs = BigInt(Math.floor(nowMs));
  const ahead = (tailMs > clockMs ? tailMs : clockMs) + MOST_AHEAD_MS;
  const last = tailMs < LAST_FOLLOWED_MS ? LAST_FOLLOWED_MS : tailMs + 1n;
  const end = ahead < last ? ahead : last;
  return `${end < LARGEST_MS ? end : LARGEST_MS}-0`;
}

/** Where what a tenant's stream should hold is read from: the log, and the old stream for what the log has no more. */
export class RebuildSource {
  /** @param end what the old stream has from here on is left out */
  constructor(
    private readonly log: EventLog,
    private readonly store: Pick<RebuildStore, 'newest'>,
    private readonly tenantId: string,
    readonly end: EntryId,
  ) {}

  /**
   * Whether a place may be one that was come to: none is written down from behind the end of both.
   *
   * @throws RedisUnavailableError
   */
  async reaches(place: EntryId): Promise<boolean> {
    if (compareEntryIds(place, await this.log.tail()) <= 0) return true;
    const newest = await this.store.newest(this.tenantId, this.end);
    return newest !== undefined && compareEntryIds(place, newest) <= 0;
  }

  /**
   * Up to the end of both, as they are while this runs. The log may be trimmed meanwhile.
   *
   * @throws RedisUnavailableError
   */
  async *pages(after: EntryId): AsyncGenerator<SourcePage> {
    const tail = await this.log.tail();
    const end = idAfter(tail);
    for (let at = after; compareEntryIds(at, tail) < 0;) {
      const page = await this.log.page({ after: at, before: end, count: PAGE });
      const first = page[0]?.id ?? end;
      // Where nothing older than this page is left, what lay between may have been trimmed.
      const [oldest] = await this.log.page({ count: 1 });
      if (!oldest || compareEntryIds(oldest.id, first) >= 0) yield* this.ofStream(at, first);
      at = page.length < PAGE ? tail : (page.at(-1) as LogEntry).id;
      const entries = page.filter(({ tenantId }) => tenantId === this.tenantId);
      yield { entries, upTo: at, looked: page.length };
    }
    yield* this.since(laterId(after, tail));
  }

  /**
   * What the old stream has behind an entry, such as what came while the log was read. The last page reaches up to its newest
   * entry also over what nobody can read: whoever goes on there does not meet the same again.
   *
   * @throws RedisUnavailableError
   */
  async *since(after: EntryId): AsyncGenerator<SourcePage> {
    const newest = await this.store.newest(this.tenantId, this.end);
    if (newest === undefined || compareEntryIds(newest, after) <= 0) return;
    let at = after;
    for await (const page of this.between(after, this.end)) {
      at = page.upTo;
      yield page;
    }
    const upTo = idBefore(newest);
    if (compareEntryIds(upTo, at) > 0) yield { entries: [], upTo, looked: 0 };
  }

  /** The stream may have come or gone since it was asked for last. */
  private async *ofStream(after: EntryId, before: EntryId): AsyncGenerator<SourcePage> {
    if ((await this.store.newest(this.tenantId, before)) !== undefined) yield* this.between(after, before);
  }

  private async *between(after: EntryId, before: EntryId): AsyncGenerator<SourcePage> {
    for (let at = after; ;) {
      const page = await this.log.tenantPage(this.tenantId, { after: at, before, count: PAGE });
      const last = page.at(-1);
      if (!last) return;
      at = last.id;
      const entries = page.filter(({ tenantId }) => tenantId === this.tenantId);
      yield { entries, upTo: at, looked: page.length };
      if (page.length < PAGE) return;
    }
  }
}
