import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { type Settler, settled } from '../../kernel/settler.js';
import { failClosed, InjectRedis, type PurposeRedis, RedisCommandError } from '../../redis/index.js';
import { Appends } from './appends.js';
import { BillingLogSettings } from './billing-log.config.js';
import { type EntryId, NEWEST, ORIGIN, parseEntryId } from './entry-id.js';
import { isEventId, isTenantId } from './event-rules.js';
import { LOG_KEY, SEQUENCES_KEY, eventKey, tenantKey } from './keys.js';
import type { BillingEvent, LogEntry } from './log-entry.js';
import { LogNotes } from './log-notes.js';
import { type AppendOutcome, type TenantPosition, knownEvents, readTenantPosition } from './log-scripts.js';
import { packedRaw, readEntry } from './read-entry.js';

export type { AppendOutcome, TenantPosition } from './log-scripts.js';

export interface PageOptions {
  /** Only entries that are newer. */
  readonly after?: EntryId;
  /** Only entries that are older. */
  readonly before?: EntryId;
  /** 1 to 1000. */
  readonly count: number;
  readonly newestFirst?: boolean;
}

interface Bounds {
  readonly after: EntryId | undefined;
  readonly before: EntryId | undefined;
  readonly count: number;
  readonly newestFirst: boolean;
}

type RawEntry = [id: Buffer, fields: Buffer[]];

const MOST_OF_A_PAGE = 1000;
const LARGEST_RAW_BYTES = 4 * 1024 * 1024;
const inflate = promisify(inflateRaw);

/**
 * The record of everything that Stripe told: one log, and of each tenant a stream with the same ids. Entries are numbered
 * per tenant without a hole, so that a reader knows exactly what it has missed.
 *
 * Every call throws RedisUnavailableError (503) where Redis does not answer, or answers what it should not.
 */
@Injectable()
export class EventLog {
  private readonly appends: Appends;

  constructor(
    @InjectRedis('billingEvents') redis: PurposeRedis<'billingEvents'>,
    @InjectRedis('billingEvents', 'bulk') private readonly bulk: PurposeRedis<'billingEvents'>,
    settings: BillingLogSettings,
    private readonly notes: LogNotes,
  ) {
    this.appends = new Appends({ redis, settings, notes });
  }

  /**
   * Keeps an event, unless it was kept before. After an error it may have been kept or not: appending it again is safe,
   * and answers with the entry that there is. One with `replayed` is kept again each time, or once for each `replayId`.
   *
   * @throws BillingEventRefusedError (422) where a field breaks its rule; nothing was sent
   * @throws RedisUnavailableError (503)
   */
  append(event: BillingEvent): Promise<AppendOutcome> {
    return settled((settler) => this.appends.keep(event, settler));
  }

  /** As `append`; the settler is told. */
  keep(event: BillingEvent, settler: Settler<AppendOutcome>): void {
    this.appends.keep(event, settler);
  }

  /**
   * Those that were kept before, so that appending them would change nothing. Less work than finding it out by appending.
   *
   * @param eventIds a page of them, at most 1000
   * @throws RangeError, RedisUnavailableError
   */
  async known(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (eventIds.length > MOST_OF_A_PAGE) throw new RangeError(`A page has at most ${MOST_OF_A_PAGE} events`);
    if (eventIds.length === 0) return new Set();
    const found = await failClosed('billingEvents', async () => {
      const said = await knownEvents.run(this.bulk, eventIds.map(eventKey), []);
      if (said.length === eventIds.length) return said;
      throw new RedisCommandError('billingEvents', 'known', 'REPLY', 'not one answer for each event');
    });
    return new Set(eventIds.filter((_, at) => found[at]));
  }

  /** Of all tenants, oldest first unless `newestFirst`. Fewer than `count`: there are no more. */
  page(options: PageOptions): Promise<LogEntry[]> {
    return this.read(LOG_KEY, options);
  }

  /** As `page`, of one tenant. @returns nothing for what is no tenant */
  async tenantPage(tenantId: string, options: PageOptions): Promise<LogEntry[]> {
    return isTenantId(tenantId) ? this.read(tenantKey(tenantId), options) : [];
  }

  /** The newest entry of an event. @returns undefined where it is not kept (any more) */
  async find(eventId: string): Promise<LogEntry | undefined> {
    if (!isEventId(eventId)) return undefined;
    const id = parseEntryId((await this.mark(eventId))?.split('.')[0] ?? '');
    const raw = id && (await this.entry(id));
    const entry = raw && this.parseFields(...raw);
    return entry?.eventId === eventId ? entry : undefined;
  }

  /** What Stripe sent. @returns undefined where the entry is not kept (any more), or is not ours */
  async raw(entryId: string): Promise<string | undefined> {
    const id = parseEntryId(entryId);
    const packed = packedRaw((id && (await this.entry(id)))?.[1] ?? []);
    if (!packed) return undefined;
    try {
      return (await inflate(packed, { maxOutputLength: LARGEST_RAW_BYTES })).toString();
    } catch {
      this.notes.foreign();
      return undefined;
    }
  }

  /** Id of the newest entry that the log has had, whoever wrote it; `0-0` where there is no log. */
  async tail(): Promise<EntryId> {
    const [last] = await failClosed('billingEvents', () =>
      this.bulk.xrevrangeBuffer(LOG_KEY, '+', '-', 'COUNT', 1),
    );
    return parseEntryId(last?.[0].toString() ?? '') ?? this.tailOfEmpty();
  }

  /** A log that was trimmed to nothing goes on where it was; one that was deleted begins anew. */
  private async tailOfEmpty(): Promise<EntryId> {
    if ((await failClosed('billingEvents', () => this.bulk.exists(LOG_KEY))) === 0) return ORIGIN;
    const facts = (await failClosed('billingEvents', () =>
      this.bulk.xinfo('STREAM', LOG_KEY),
    )) as readonly unknown[];
    const id = facts[facts.indexOf('last-generated-id') + 1];
    return (typeof id === 'string' ? parseEntryId(id) : undefined) ?? ORIGIN;
  }

  /** What is kept of a tenant's entries, as of one moment. */
  async tenantPosition(tenantId: string): Promise<TenantPosition> {
    if (!isTenantId(tenantId)) return { sequence: 0 };
    const keys = [tenantKey(tenantId), SEQUENCES_KEY];
    return failClosed('billingEvents', () => readTenantPosition.run(this.bulk, keys, [tenantId]));
  }

  /** As `readEntry`; counts what is foreign. Never throws. */
  parseFields(id: string | Buffer, fields: readonly (string | Buffer)[]): LogEntry | undefined {
    const entry = readEntry(id, fields);
    if (!entry) this.notes.foreign();
    return entry;
  }

  /** Passes over what is foreign, so that a short page means that there is no more. */
  private async read(key: string, { count, newestFirst = false, after, before }: PageOptions) {
    if (!Number.isInteger(count) || count < 1 || count > MOST_OF_A_PAGE)
      throw new RangeError(`A page has 1 to ${MOST_OF_A_PAGE} entries`);
    const entries: LogEntry[] = [];
    for (let [from, to] = [after, before]; ;) {
      const wanted = count - entries.length;
      const page = await this.rawPage(key, { after: from, before: to, count: wanted, newestFirst });
      for (const raw of page) {
        const entry = this.parseFields(...raw);
        if (entry) entries.push(entry);
      }
      const last = page.at(-1)?.[0].toString() as EntryId | undefined;
      if (last === undefined || page.length < wanted || entries.length === count) return entries;
      if (newestFirst) to = last;
      else from = last;
    }
  }

  private async rawPage(key: string, { after, before, count, newestFirst }: Bounds): Promise<RawEntry[]> {
    // Redis refuses bounds that nothing can lie between.
    if (after === NEWEST || before === ORIGIN) return [];
    const [from, to] = [exclusive(after) ?? '-', exclusive(before) ?? '+'];
    return failClosed('billingEvents', (): Promise<RawEntry[]> =>
      newestFirst
        ? this.bulk.xrevrangeBuffer(key, to, from, 'COUNT', count)
        : this.bulk.xrangeBuffer(key, from, to, 'COUNT', count),
    );
  }

  private async entry(id: EntryId): Promise<RawEntry | undefined> {
    const [entry] = await failClosed('billingEvents', (): Promise<RawEntry[]> =>
      this.bulk.xrangeBuffer(LOG_KEY, id, id, 'COUNT', 1),
    );
    return entry;
  }

  /** @returns null where there is none, or something foreign in its place */
  private mark(eventId: string): Promise<string | null> {
    return failClosed('billingEvents', async () => {
      try {
        return await this.bulk.get(eventKey(eventId));
      } catch (error) {
        if (error instanceof RedisCommandError && error.serverCode === 'WRONGTYPE') return null;
        throw error;
      }
    });
  }
}

/** @throws RangeError for what is no id: it would be Redis that refuses it */
function exclusive(id: EntryId | undefined): string | undefined {
  if (id === undefined) return undefined;
  if (!parseEntryId(id)) throw new RangeError('Not the id of an entry');
  return `(${id}`;
}
