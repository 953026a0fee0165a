import { setMaxListeners } from 'node:events';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { waitAtMost } from '../../../kernel/deadline.js';
import { AppError } from '../../../kernel/errors.js';
import type { Clock } from '../../../kernel/time.js';
import { CLOCK } from '../../../telemetry/index.js';
import { Ingest } from '../../webhook/ingest.js';
import type { BackfillSettings } from '../ops.config.js';
import { BackfillUnknownError, InterruptedError, LockLostError } from '../ops.errors.js';
import { type OwnedLock, processName } from '../owned-lock.js';
import { type BackfillRequest, planBackfill, startOf } from './backfill-plan.js';
import { type BackfillRecord, withPage, withRefused } from './backfill-record.js';
import { BackfillStore } from './backfill-store.js';
import type { EventList } from './event-list.js';
import { PageFeed } from './page-feed.js';
import { PageIntake } from './page-intake.js';
import { PagePreparation, type ReadyPage } from './page-preparation.js';
import { StripeAccount } from './stripe-account.js';
import type { WaitListener } from './stripe-api.js';
import { whileAway } from './while-away.js';

export interface BackfillWatcher {
  /** After every page, and at the end. */
  readonly onProgress?: (record: BackfillRecord) => void;
  readonly onWait?: WaitListener;
}

export interface RunningBackfill {
  readonly record: BackfillRecord;
  /** Resolves with the last record; rejects with why it ended before its end. */
  readonly done: Promise<BackfillRecord>;
}

/** At the end of the process, for a server that says nothing: its lock and record are what the next one goes by. */
const STOP_MS = 500;

type OpenAccount = ReturnType<StripeAccount['open']>;

interface Run {
  readonly lock: OwnedLock;
  readonly watcher: BackfillWatcher;
  readonly signal: AbortSignal;
  readonly list: EventList;
  readonly preparation: PagePreparation;
  record: BackfillRecord;
}

/**
 * Fetches from Stripe what the webhook did not bring, oldest first, and hands it to where the webhook's events go too: what
 * is known already is not kept twice. One at a time in all processes; how far it has come is written down with every page,
 * so that a process that dies costs a page and an overlap.
 */
@Injectable()
export class Backfill implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Backfill');
  private readonly ending = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly store: BackfillStore,
    private readonly ingest: Ingest,
    private readonly stripe: StripeAccount,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  get isConfigured(): boolean {
    return this.stripe.isConfigured;
  }

  /** How late Stripe shows events, and so long before an end the next one begins; seconds. */
  get margins(): Pick<BackfillSettings, 'lagS' | 'overlapS'> {
    return this.stripe.settings;
  }

  /**
   * Begins, or goes on with the last one where that did not come to its end.
   *
   * @throws StripeKeyMissingError, AlreadyRunningError, SelectionError, RedisUnavailableError
   */
  async start(request: BackfillRequest = {}, watcher: BackfillWatcher = {}): Promise<RunningBackfill> {
    const stripe = this.stripe.open(watcher.onWait);
    const lock = await this.store.lock();
    try {
      const known = request.id === undefined ? undefined : await this.store.find(request.id);
      if (known?.state === 'done') {
        stripe.close();
        await lock.release();
        return { record: known, done: Promise.resolve(known) };
      }
      const record = planBackfill(request, await this.known(known), this.facts());
      await this.store.save(lock, record, undefined);
      const done = this.run(record, { lock, watcher, stripe });
      this.running = done.catch(() => undefined);
      return { record, done };
    } catch (error) {
      stripe.close();
      await lock.release();
      throw error;
    }
  }

  /** @throws BackfillUnknownError, RedisUnavailableError */
  async find(id: string): Promise<BackfillRecord> {
    const record = await this.store.find(id);
    if (!record) throw new BackfillUnknownError();
    return record;
  }

  /** Came to its end. @throws RedisUnavailableError */
  async isDone(id: string): Promise<boolean> {
    return (await this.store.find(id))?.state === 'done';
  }

  /** Ends what runs: its record says so, and another process goes on with it. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  beforeApplicationShutdown(): Promise<void> {
    return waitAtMost(this.clock, STOP_MS, this.stop());
  }

  private async known(named: BackfillRecord | undefined) {
    const last = await this.store.last();
    return named ? { ...last, record: named } : last;
  }

  private facts() {
    const { overlapS, lagS } = this.stripe.settings;
    return { overlapS, lagS, nowS: Math.floor(this.clock.nowMs() / 1000), owner: processName() };
  }

  private async run(
    record: BackfillRecord,
    { lock, watcher, stripe }: { lock: OwnedLock; watcher: BackfillWatcher; stripe: OpenAccount },
  ): Promise<BackfillRecord> {
    const signal = AbortSignal.any([lock.lost, this.ending.signal]);
    // Each event of a page listens to it while Redis is away.
    setMaxListeners(0, signal);
    const preparation = new PagePreparation(this.ingest);
    const run: Run = { lock, watcher, signal, list: stripe.list, preparation, record };
    try {
      await this.pages(run);
      await this.save(run, { ...run.record, state: 'done' });
      const { id, pages, taken, duplicates, refused } = run.record;
      this.logger.log('Backfill done', { id, pages, taken, duplicates, refused });
      return run.record;
    } catch (error) {
      throw await this.end(run, error);
    } finally {
      stripe.close();
      await lock.release();
    }
  }

  /** The next page is made ready, and the last one written down, while one is handed on. */
  private async pages(run: Run): Promise<void> {
    const range = () => ({
      fromS: startOf(run.record, this.stripe.settings.overlapS),
      toS: run.record.toS,
    });
    const feed = new PageFeed({ ...run, range });
    try {
      let page = await feed.next();
      let written: Promise<void> = Promise.resolve();
      while (page) {
        // All are waited for, whichever fails: nothing is still on its way when this ends.
        const [taken, next, before] = await Promise.allSettled([this.take(run, page), feed.next(), written]);
        if (before.status === 'rejected') throw before.reason;
        if (taken.status === 'rejected') throw taken.reason;
        written = this.save(run, taken.value);
        if (next.status === 'rejected') {
          await written;
          throw next.reason;
        }
        page = next.value;
      }
      await written;
    } finally {
      await feed.close();
    }
  }

  private async take(run: Run, page: ReadyPage): Promise<BackfillRecord> {
    let { refusedIds } = run.record;
    const intake = new PageIntake(this.ingest, this.clock, (id) => {
      this.logger.warn('An event of Stripe cannot be kept', { event_id: id });
      refusedIds = withRefused(refusedIds, id);
    });
    const counts = await intake.take(page, run.signal);
    if (counts.duplicates > page.duplicates) run.preparation.metKnown();
    return { ...withPage(run.record, counts, page.last), refusedIds };
  }

  /** A checkpoint waits for Redis as the events before it do. */
  private save(run: Run, record: BackfillRecord): Promise<void> {
    return whileAway(() => this.write(run, record), this.clock, run.signal);
  }

  private async write(run: Run, record: BackfillRecord): Promise<void> {
    run.record = { ...record, updatedMs: this.clock.nowMs() };
    const { at, state, continuous, toS } = run.record;
    const createdS = state === 'done' ? toS : at?.created;
    await this.store.save(
      run.lock,
      run.record,
      continuous && createdS !== undefined ? { createdS } : undefined,
    );
    run.watcher.onProgress?.(run.record);
  }

  /** Writes down how it ended, where that can be. @returns what to throw */
  private async end(run: Run, error: unknown): Promise<unknown> {
    if (run.lock.lost.aborted) return new LockLostError();
    const stopped = error instanceof InterruptedError || this.ending.signal.aborted;
    const known = error instanceof AppError && error.status !== 500;
    const reason = stopped
      ? 'interrupted'
      : known
        ? error.message
        : 'a mistake of the program; its log has it';
    if (!known) this.logger.error(error);
    await this.write(run, { ...run.record, state: stopped ? 'stopped' : 'failed', reason }).catch(
      () => undefined,
    );
    return error;
  }
}
