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

/** Where what a tenant's stream should hold is read from: the log, and the old stream for what the log has no more. */
export class RebuildSource {
  constructor(
    private readonly log: EventLog,
    private readonly store: Pick<RebuildStore, 'newest'>,
    private readonly tenantId: string,
  ) {}

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
    const newest = await this.store.newest(this.tenantId);
    if (newest === undefined || compareEntryIds(newest, after) <= 0) return;
    let at = after;
    for await (const page of this.between(after)) {
      at = page.upTo;
      yield page;
    }
    const upTo = idBefore(newest);
    if (compareEntryIds(upTo, at) > 0) yield { entries: [], upTo, looked: 0 };
  }

  /** The stream may have come or gone since it was asked for last. */
  private async *ofStream(after: EntryId, before: EntryId): AsyncGenerator<SourcePage> {
    if ((await this.store.newest(this.tenantId)) !== undefined) yield* this.between(after, before);
  }

  private async *between(after: EntryId, before?: EntryId): AsyncGenerator<SourcePage> {
    for (let at = after; ;) {
      const bounds = { after: at, ...(before && { before }), count: PAGE };
      const page = await this.log.tenantPage(this.tenantId, bounds);
      const last = page.at(-1);
      if (!last) return;
      at = last.id;
      const entries = page.filter(({ tenantId }) => tenantId === this.tenantId);
      yield { entries, upTo: at, looked: page.length };
      if (page.length < PAGE) return;
    }
  }
}
