import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { failClosed, InjectRedis, type PurposeRedis, RedisCommandError } from '../../../redis/index.js';
import { CLOCK } from '../../../telemetry/index.js';
import { type EntryId, ORIGIN, compareEntryIds, parseEntryId } from '../../log/entry-id.js';
import { REBUILD_LOCK_KEY, TENANTS_KEY, rebuildKey, rebuildPlaceKey, tenantKey } from '../../log/keys.js';
import type { LogEntry } from '../../log/log-entry.js';
import { AlreadyRunningError, LockLostError, RebuildChangedError } from '../ops.errors.js';
import { type Swap, type Unbuilt, buildTenant, swapTenant } from '../ops-scripts.js';
import { OwnedLock } from '../owned-lock.js';

/** How far the building of a stream has come. */
export interface RebuildPlace {
  /** What was asked for, milliseconds since the epoch; null: what tenants are shown. */
  readonly fromMs: number | null;
  /** Everything up to here was looked at. */
  readonly at: EntryId;
  /** Entries that are built. */
  readonly entries: number;
}

/** Who builds, and for whom. */
export interface Rebuilding {
  readonly tenantId: string;
  readonly lock: OwnedLock;
}

/** What was begun and is not gone on with takes memory for so long. */
export const KEPT_MS = 3_600_000;
const LOCK_MS = 30_000;
/** Copied in the call that puts the stream in place, some ten microseconds each. */
const MOST_TAKEN_OVER = 100;
/** One call holds the server up for a millisecond or so; an entry that is larger goes alone. */
const MOST_AT_ONCE = 100;
const LARGEST_CHARS = 256 * 1024;

/**
 * What is built of a tenant's stream, beside that stream. Every call throws RedisUnavailableError where Redis does not
 * answer; those that write, LockLostError and RebuildChangedError, and nothing was written then.
 */
@Injectable()
export class RebuildStore {
  constructor(
    @InjectRedis('billingEvents', 'bulk') private readonly bulk: PurposeRedis<'billingEvents'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws AlreadyRunningError with who has it */
  async lock(): Promise<OwnedLock> {
    const { bulk: client, clock } = this;
    const taken = await OwnedLock.take({ client, clock, key: REBUILD_LOCK_KEY, lifeMs: LOCK_MS });
    if (taken instanceof OwnedLock) return taken;
    throw new AlreadyRunningError('The rebuild of a stream', taken);
  }

  /** @returns where it goes on; undefined where nothing is built that anybody could go on with */
  async place(tenantId: string): Promise<RebuildPlace | undefined> {
    const text = await this.unlessForeign(() => this.bulk.get(rebuildPlaceKey(tenantId)));
    const place = readPlace(text ?? null);
    if (!place) return undefined;
    const key = rebuildKey(tenantId);
    const entries = await this.unlessForeign(() => this.bulk.xlen(key));
    if (entries !== place.entries) return undefined;
    const [newest] = await failClosed('billingEvents', () => this.bulk.xrevrange(key, '+', '-', 'COUNT', 1));
    const last = parseEntryId(newest?.[0] ?? ORIGIN);
    return last && compareEntryIds(last, place.at) <= 0 ? place : undefined;
  }

  /** Begins anew. */
  async begin(who: Rebuilding, place: RebuildPlace): Promise<RebuildPlace> {
    await this.write(who, '', place, []);
    return place;
  }

  /**
   * @param entries of the tenant, oldest first
   * @param upTo everything up to here was looked at
   * @returns where it goes on
   */
  async add(
    who: Rebuilding,
    place: RebuildPlace,
    { entries, upTo }: { readonly entries: readonly LogEntry[]; readonly upTo: EntryId },
  ): Promise<RebuildPlace> {
    let now = place;
    for (const [part, isLast] of partsOf(entries)) {
      const at = isLast ? upTo : (part.at(-1) as LogEntry).id;
      const next = { ...now, at, entries: now.entries + part.length };
      await this.write(who, String(now.entries), next, part);
      now = next;
    }
    return now;
  }

  /**
   * @param end what the old stream has from here on is left out
   * @returns `behind` where more has come meanwhile than is taken over at once; nothing was changed then
   */
  async swap({ tenantId, lock }: Rebuilding, { at, entries }: RebuildPlace, end: EntryId) {
    const keys = [
      tenantKey(tenantId),
      rebuildKey(tenantId),
      TENANTS_KEY,
      REBUILD_LOCK_KEY,
      rebuildPlaceKey(tenantId),
      asideKey(tenantId),
    ];
    const swap = await failClosed('billingEvents', () =>
      swapTenant.run(this.bulk, keys, [at, MOST_TAKEN_OVER, tenantId, lock.text, entries, end]),
    );
    return assertDone(swap, tenantId);
  }

  /** Gives the memory back. Never throws: what cannot be deleted ends by itself. */
  async drop(tenantId: string): Promise<void> {
    await this.bulk.unlink(rebuildKey(tenantId), rebuildPlaceKey(tenantId)).catch(() => undefined);
  }

  /** @returns entries of a tenant's stream; undefined where something foreign stands in its place */
  length(tenantId: string): Promise<number | undefined> {
    return this.unlessForeign(() => this.bulk.xlen(tenantKey(tenantId)));
  }

  /**
   * @param before only entries that are older
   * @returns id of the newest entry of a tenant's stream, whoever wrote it; undefined where there is none, or no stream
   */
  async newest(tenantId: string, before: EntryId): Promise<EntryId | undefined> {
    const key = tenantKey(tenantId);
    const last = await this.unlessForeign(() => this.bulk.xrevrange(key, `(${before}`, '-', 'COUNT', 1));
    return parseEntryId(last?.[0]?.[0] ?? '');
  }

  private async write(
    { tenantId, lock }: Rebuilding,
    before: string,
    place: RebuildPlace,
    entries: readonly LogEntry[],
  ): Promise<void> {
    if (lock.lost.aborted) throw new LockLostError();
    const keys = [REBUILD_LOCK_KEY, rebuildKey(tenantId), rebuildPlaceKey(tenantId)];
    const args = [lock.text, before, JSON.stringify(place), KEPT_MS, ...entries.flatMap(fieldsOf)];
    const built = await failClosed('billingEvents', () => buildTenant.run(this.bulk, keys, args));
    assertDone(built, tenantId);
  }

  private unlessForeign<T>(ask: () => Promise<T>): Promise<T | undefined> {
    return failClosed('billingEvents', async () => {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof RedisCommandError && error.serverCode === 'WRONGTYPE') return undefined;
        throw error;
      }
    });
  }
}

/** The stream that was, for as long as one call of a script. */
function asideKey(tenantId: string): string {
  return rebuildKey(`${tenantId}:old`);
}

function assertDone<T extends Swap | 'built'>(said: T, tenantId: string): Exclude<T, Unbuilt> {
  if (said === 'lock-lost') throw new LockLostError();
  if (said === 'changed') throw new RebuildChangedError(rebuildKey(tenantId));
  return said as Exclude<T, Unbuilt>;
}

/** One part at least, with whether it is the last one. */
function* partsOf(entries: readonly LogEntry[]): Generator<readonly [readonly LogEntry[], boolean]> {
  let part: LogEntry[] = [];
  let chars = 0;
  for (const entry of entries) {
    if (part.length === MOST_AT_ONCE || (part.length > 0 && chars + entry.data.length > LARGEST_CHARS)) {
      yield [part, false];
      part = [];
      chars = 0;
    }
    part.push(entry);
    chars += entry.data.length;
  }
  yield [part, true];
}

/** The id, and what append.lua writes for a tenant. */
function fieldsOf(entry: LogEntry): string[] {
  const { id, tenantId, type, eventId, createdS, objectId, tenantSequence, stale, replayed, data } = entry;
  const flags = `${stale ? 's' : ''}${replayed ? 'r' : ''}`;
  // prettier-ignore
  return [
    id, 't', tenantId, 'y', type, 'e', eventId, 'c', String(createdS), 'o', objectId,
    's', String(tenantSequence), 'f', flags, 'd', data,
  ];
}

function readPlace(text: string | null): RebuildPlace | undefined {
  try {
    const { fromMs, at, entries } = JSON.parse(text ?? 'null') as Readonly<Record<string, unknown>>;
    const id = typeof at === 'string' ? parseEntryId(at) : undefined;
    const sound = (fromMs === null || Number.isSafeInteger(fromMs)) && Number.isSafeInteger(entries);
    return id && sound ? { fromMs: fromMs as number | null, at: id, entries: entries as number } : undefined;
  } catch {
    return undefined;
  }
}
