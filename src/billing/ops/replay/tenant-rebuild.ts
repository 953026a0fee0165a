import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { failClosed, InjectRedis, type PurposeRedis } from '../../../redis/index.js';
import { CLOCK } from '../../../telemetry/index.js';
import { BillingLogSettings } from '../../log/billing-log.config.js';
import { type EntryId, compareEntryIds, idAfter } from '../../log/entry-id.js';
import { EventLog } from '../../log/event-log.js';
import { isTenantId } from '../../log/event-rules.js';
import { REBUILD_LOCK_KEY, TENANTS_KEY, rebuildKey, tenantKey } from '../../log/keys.js';
import type { LogEntry } from '../../log/log-entry.js';
import { AlreadyRunningError, LockLostError, SelectionError, TooManyEntriesError } from '../ops.errors.js';
import { swapTenant } from '../ops-scripts.js';
import { OwnedLock } from '../owned-lock.js';

export interface RebuildRequest {
  readonly tenantId: string;
  /** What was taken in before is left out, milliseconds since the epoch; unset: what tenants are shown. */
  readonly fromMs?: number;
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
}

export interface RebuildReport {
  /** Entries of the stream, and those it has now, or would have. */
  readonly before: number;
  readonly now: number;
}

const PAGE = 500;
const LOCK_MS = 30_000;
/** The server is held up while they are put in place; some 8 microseconds each, and deliveries wait 400 ms at most. */
export const MOST_SWAPPED = 20_000;

/**
 * Makes the stream of a tenant anew from the log: the same ids and numbers. It is built beside the old one and takes its
 * place at one moment, in one script, so that whoever reads sees either: no gap, and nothing twice. What the tenant gets
 * meanwhile is taken over.
 */
@Injectable()
export class TenantRebuild {
  constructor(
    private readonly log: EventLog,
    @InjectRedis('billingEvents', 'bulk') private readonly bulk: PurposeRedis<'billingEvents'>,
    private readonly settings: BillingLogSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws SelectionError, AlreadyRunningError, TooManyEntriesError; LockLostError, RedisUnavailableError: the stream is
   *   as it was
   */
  async run(request: RebuildRequest): Promise<RebuildReport> {
    if (!isTenantId(request.tenantId))
      throw new SelectionError('A tenant is a UUID in lower case, or _unassigned.');
    if (request.dryRun) return await this.preview(request);
    const { bulk: client, clock } = this;
    const lock = await OwnedLock.take({ client, clock, key: REBUILD_LOCK_KEY, lifeMs: LOCK_MS });
    if (!(lock instanceof OwnedLock)) throw new AlreadyRunningError('The rebuild of a stream', lock);
    const key = rebuildKey(request.tenantId);
    try {
      await failClosed('billingEvents', () => client.del(key));
      const upTo = await this.build(request, lock);
      return await this.swap(request.tenantId, upTo, lock);
    } finally {
      await client.del(key).catch(() => undefined);
      await lock.release();
    }
  }

  private async preview(request: RebuildRequest): Promise<RebuildReport> {
    let now = 0;
    for await (const { entries } of this.pages(request, await this.log.tail())) now += entries.length;
    return { before: await this.length(request.tenantId), now };
  }

  private async build(request: RebuildRequest, lock: OwnedLock): Promise<EntryId> {
    const upTo = await this.log.tail();
    const key = rebuildKey(request.tenantId);
    for await (const { entries } of this.pages(request, upTo)) {
      if (lock.lost.aborted) throw new LockLostError();
      await failClosed('billingEvents', () =>
        Promise.all(entries.map((one) => this.bulk.xadd(key, one.id, ...fieldsOf(one)))),
      );
    }
    return upTo;
  }

  /** What the log has no more and the old stream still does, and then what the log has. */
  private async *pages(
    { tenantId, fromMs }: RebuildRequest,
    upTo: EntryId,
  ): AsyncGenerator<{ entries: readonly LogEntry[] }> {
    const floorMs = Math.max(0, fromMs ?? this.clock.nowMs() - this.settings.tenantRetentionMs);
    const floor: EntryId = `${floorMs}-0`;
    const [oldest] = await this.log.page({ count: 1 });
    const end = idAfter(upTo);
    const logBegins = oldest && compareEntryIds(oldest.id, end) < 0 ? oldest.id : end;
    if (compareEntryIds(floor, logBegins) < 0) {
      const read = (after: EntryId) =>
        this.log.tenantPage(tenantId, { after, before: logBegins, count: PAGE });
      yield* all(read, floor, () => true);
    }
    const read = (after: EntryId) => this.log.page({ after, before: end, count: PAGE });
    yield* all(read, floor, (entry) => entry.tenantId === tenantId);
  }

  private async swap(tenantId: string, upTo: EntryId, lock: OwnedLock): Promise<RebuildReport> {
    const keys = [tenantKey(tenantId), rebuildKey(tenantId), TENANTS_KEY, REBUILD_LOCK_KEY];
    const swap = await failClosed('billingEvents', () =>
      swapTenant.run(this.bulk, keys, [upTo, MOST_SWAPPED, tenantId, lock.text]),
    );
    if (swap === 'lock-lost') throw new LockLostError();
    if ('tooMany' in swap) throw new TooManyEntriesError(swap.tooMany, MOST_SWAPPED);
    return swap;
  }

  private async length(tenantId: string): Promise<number> {
    return (await this.log.tenantPosition(tenantId)).newest
      ? await failClosed('billingEvents', () => this.bulk.xlen(tenantKey(tenantId)))
      : 0;
  }
}

async function* all(
  read: (after: EntryId) => Promise<LogEntry[]>,
  from: EntryId,
  passes: (entry: LogEntry) => boolean,
): AsyncGenerator<{ entries: readonly LogEntry[] }> {
  for (let after = from; ;) {
    const page = await read(after);
    yield { entries: page.filter(passes) };
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.id;
  }
}

/** As append.lua writes them for a tenant. */
function fieldsOf(entry: LogEntry): string[] {
  const { tenantId, type, eventId, createdS, objectId, tenantSequence, stale, replayed, data } = entry;
  const flags = `${stale ? 's' : ''}${replayed ? 'r' : ''}`;
  // prettier-ignore
  return [
    't', tenantId, 'y', type, 'e', eventId, 'c', String(createdS), 'o', objectId,
    's', String(tenantSequence), 'f', flags, 'd', data,
  ];
}
