import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../../kernel/errors.js';
import type { Clock } from '../../../kernel/time.js';
import { RedisUnavailableError } from '../../../redis/index.js';
import { CLOCK } from '../../../telemetry/index.js';
import { BillingLogSettings } from '../../log/billing-log.config.js';
import { type EntryId, idBefore } from '../../log/entry-id.js';
import { EventLog } from '../../log/event-log.js';
import { isTenantId } from '../../log/event-rules.js';
import { UNASSIGNED } from '../../log/log-entry.js';
import { InterruptedError, RebuildChangedError, RebuildStoppedError, SelectionError } from '../ops.errors.js';
import type { OwnedLock } from '../owned-lock.js';
import { RebuildSource, type SourcePage, endOfStream } from './rebuild-source.js';
import { KEPT_MS, type RebuildPlace, RebuildStore, type Rebuilding } from './rebuild-store.js';

export interface RebuildRequest {
  readonly tenantId: string;
  /** What was taken in before is left out, milliseconds since the epoch; unset: what tenants are shown. */
  readonly fromMs?: number;
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
  /** Entries to look at, about; unset: all. */
  readonly mostLooked?: number;
}

export interface RebuildReport {
  /** Entries of the stream, and those it has now, or would have; with `next`: those that are built. */
  readonly before: number;
  readonly now: number;
  /**
   * Everything up to here was looked at, and the stream is as it was: the same request goes on. One that only counts does not:
   * there would be `now` entries at least.
   */
  readonly next?: EntryId;
}

export interface RebuildWatcher {
  /** What was begun before is gone on with: so many entries are built. */
  readonly onResume?: (entries: number) => void;
  /** After every page: entries that were looked at by this call, and those that are built. */
  readonly onProgress?: (looked: number, entries: number) => void;
  readonly signal?: AbortSignal;
}

/** A call on its way. */
interface Run extends Rebuilding {
  readonly source: RebuildSource;
  readonly watcher: RebuildWatcher;
  readonly mostLooked: number;
  looked: number;
  place: RebuildPlace;
  /** What is built is being put in place. */
  swapping: boolean;
}

/**
 * Makes the stream of a tenant anew from the log: the same ids and numbers. It is built beside the old one, a page at a
 * time, and takes its place at one moment, in one short script, so that whoever reads sees either: no gap, and nothing
 * twice. What the tenant gets meanwhile is taken over. How far it has come is written down with every page: a process that
 * dies costs a page. Until the end there is memory for both streams.
 */
@Injectable()
export class TenantRebuild {
  constructor(
    private readonly log: EventLog,
    private readonly store: RebuildStore,
    private readonly settings: BillingLogSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws SelectionError, AlreadyRunningError
   * @throws RebuildStoppedError: the stream is as it was, or the error says that it may be the new one; the same request goes on
   * @throws RebuildChangedError: the stream is as it was, and the same request begins anew
   * @throws RedisUnavailableError, InterruptedError, of a request that only counts
   */
  async run(request: RebuildRequest, watcher: RebuildWatcher = {}): Promise<RebuildReport> {
    const { tenantId } = request;
    if (!isTenantId(tenantId)) throw new SelectionError('A tenant is a UUID in lower case, or _unassigned.');
    if (request.dryRun) return await this.preview(request, watcher);
    const lock = await this.store.lock();
    try {
      return await this.make(request, lock, watcher);
    } finally {
      await lock.release();
    }
  }

  private async preview(
    request: RebuildRequest,
    { signal }: Pick<RebuildWatcher, 'signal'>,
  ): Promise<RebuildReport> {
    const { tenantId, mostLooked = Number.POSITIVE_INFINITY } = request;
    const before = (await this.store.length(tenantId)) ?? 0;
    let [now, sum] = [0, 0];
    const source = await this.source(tenantId);
    for await (const { entries, upTo, looked } of source.pages(this.beginning(request))) {
      now += entries.length;
      sum += looked;
      if (signal?.aborted) throw new InterruptedError();
      if (sum >= mostLooked) return { before, now, next: upTo };
    }
    return { before, now };
  }

  private async make(
    request: RebuildRequest,
    lock: OwnedLock,
    watcher: RebuildWatcher,
  ): Promise<RebuildReport> {
    const { tenantId, mostLooked = Number.POSITIVE_INFINITY } = request;
    const who = { tenantId, lock };
    let run: Run | undefined;
    try {
      const before = await this.store.length(tenantId);
      const source = await this.source(tenantId);
      const place = await this.begin(request, { ...who, source }, watcher);
      run = { ...who, source, watcher, mostLooked, looked: 0, place, swapping: false };
      const next = await this.build(run, source.pages(place.at));
      return next ? { before: before ?? 0, now: run.place.entries, next } : await this.swap(run);
    } catch (error) {
      throw await this.stopped(tenantId, run, error);
    }
  }

  /** Anew, or where another one of the same request has stopped. */
  private async begin(
    request: RebuildRequest,
    who: Pick<Run, 'tenantId' | 'lock' | 'source'>,
    { onResume }: RebuildWatcher,
  ): Promise<RebuildPlace> {
    const fromMs = request.fromMs ?? null;
    const place = await this.store.place(request.tenantId);
    if (place?.fromMs === fromMs && (await who.source.reaches(place.at))) {
      onResume?.(place.entries);
      return place;
    }
    return await this.store.begin(who, { fromMs, at: this.beginning(request), entries: 0 });
  }

  /** @returns where it goes on, where it has looked at enough */
  private async build(run: Run, pages: AsyncGenerator<SourcePage>): Promise<EntryId | undefined> {
    for await (const page of pages) {
      run.place = await this.store.add(run, run.place, page);
      run.looked += page.looked;
      run.watcher.onProgress?.(run.looked, run.place.entries);
      if (run.watcher.signal?.aborted) throw new InterruptedError();
      if (run.looked >= run.mostLooked) return run.place.at;
    }
    return undefined;
  }

  /** What came while it was built is built as well, until so little is left that one call takes it over. */
  private async swap(run: Run): Promise<RebuildReport> {
    for (;;) {
      if (run.watcher.signal?.aborted) throw new InterruptedError();
      run.swapping = true;
      const swap = await this.store.swap(run, run.place, run.source.end);
      run.swapping = false;
      if (swap !== 'behind') return swap;
      const next = await this.build(run, run.source.since(run.place.at));
      if (next) return { before: (await this.store.length(run.tenantId)) ?? 0, now: run.place.entries, next };
    }
  }

  /** @returns what to throw */
  private async stopped(tenantId: string, run: Run | undefined, error: unknown): Promise<unknown> {
    if (!(error instanceof AppError && error.status === 503) || error instanceof RebuildChangedError)
      return error;
    if (run?.swapping && error instanceof RedisUnavailableError && error.maybeExecuted)
      return new RebuildStoppedError(error, UNSURE);
    // Whoever goes on later would wait for memory that what is built takes itself.
    const full = error instanceof RedisUnavailableError && error.reason === 'oom';
    if (full) await this.store.drop(tenantId);
    const remedy = full ? MEMORY : goesOn(run?.place.entries ?? 0);
    return new RebuildStoppedError(error, `The stream is as it was. ${remedy}`);
  }

  private async source(tenantId: string): Promise<RebuildSource> {
    const end = endOfStream(await this.log.tail(), this.clock.nowMs());
    return new RebuildSource(this.log, this.store, tenantId, end);
  }

  /** Before the first entry that belongs into the stream. */
  private beginning({ tenantId, fromMs }: RebuildRequest): EntryId {
    const { retentionMs, tenantRetentionMs } = this.settings;
    // What may still be given to a tenant is kept for as long as the log has it.
    const lifeMs = tenantId === UNASSIGNED ? retentionMs : tenantRetentionMs;
    return idBefore(`${Math.max(0, fromMs ?? this.clock.nowMs() - lifeMs)}-0`);
  }
}

const MEMORY =
  'Until the end there has to be memory for both streams: give the server more, or the request a later beginning.';

const UNSURE =
  'The new stream may have taken its place, or the stream is as it was: the same request may be given again in either case.';

function goesOn(entries: number): string {
  if (entries === 0) return 'Give the same request again.';
  return (
    `${entries} entries of the new one are built: give the same request within ${KEPT_MS / 60_000} minutes to go on from ` +
    'there, later to begin anew.'
  );
}
