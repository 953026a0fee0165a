import { Logger } from '@nestjs/common';
import type { Clock, Timer } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import { DatabaseUnavailableError } from './database.errors.js';
import { type DueRow, DueStore, type DueTable, type RowOf } from './due-store.js';
import { PermanentFailure } from './due-worker.errors.js';
import type { FeatureDatabase } from './feature-database.js';

export interface DueWorkerOptions<T extends DueTable> {
  /** Label of metrics and logs. */
  readonly name: string;
  readonly database: FeatureDatabase;
  readonly table: T;
  /**
   * Does what a row asks for. It must end soon after `signal` aborts, or another worker may do it as well. What it
   * throws is a reason to try again; PermanentFailure is none.
   */
  readonly perform: (row: RowOf<T>, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Stable word for an error of `perform`; no personal data. */
  readonly reasonOf?: (error: unknown) => string;
  /** Columns to set when a row is sent or given up, such as a secret to forget. */
  readonly whenDone?: Partial<T['$inferInsert']>;
  /** Rows at a time. */
  readonly atOnce?: number;
  /** A row that is not settled within this is another's, milliseconds. */
  readonly leaseMs?: number;
  /** How long `perform` may take, milliseconds; less than the lease. */
  readonly performMs?: number;
  readonly pollMs?: number;
  readonly maxAttempts?: number;
  /** Rows made longer ago are given up when they fail; only of tables with `createdAt`. */
  readonly maxAgeMs?: number;
  /** Pause after the first failure, and the longest one; it doubles in between. */
  readonly backOff?: { readonly firstMs: number; readonly mostMs: number };
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

type Outcome = 'sent' | 'retried' | 'failed' | 'lost' | 'returned';

const DEFAULTS = {
  atOnce: 4,
  leaseMs: 60_000,
  performMs: 30_000,
  pollMs: 2000,
  maxAttempts: 10,
  maxAgeMs: Number.POSITIVE_INFINITY,
  backOff: { firstMs: 2000, mostMs: 900_000 },
  reasonOf: () => 'other',
  random: Math.random,
} as const;

/** While SQL is away, what became of a row is written down as soon as it is back. */
const SETTLE_EVERY_MS = 500;
const LONGEST_REASON = 64;

type Settled<T extends DueTable> = DueWorkerOptions<T> & typeof DEFAULTS;

/**
 * Does what a table says is due, each row once: in this process and in all others that run the same worker. A row is
 * taken for a time; when its process dies, another takes it over. So a row is done at least once, and twice only if a
 * process dies, or loses SQL for the rest of that time, after it was done and before that was written down.
 */
export class DueWorker<T extends DueTable> {
  private readonly logger = new Logger('DueWorker');
  private readonly options: Settled<T>;
  private readonly store: DueStore<T>;
  private readonly running = new Set<Promise<void>>();
  private readonly ending = new AbortController();
  private taking: Promise<void> | undefined;
  private again = false;
  private started = false;
  private poll: Timer | undefined;

  constructor(options: DueWorkerOptions<T>) {
    this.options = { ...DEFAULTS, ...options } as Settled<T>;
    this.store = new DueStore(options.database, options.table, options.whenDone);
  }

  start(): void {
    this.started = true;
    this.wake();
  }

  /** Something may be due: called after the commit that added it. */
  nudge(): void {
    this.wake();
  }

  /**
   * Takes nothing any more and waits for what is being done. What is not done in time is called off and given back.
   *
   * @param deadlineMs how long to wait before calling off
   */
  async stop(deadlineMs = 2000): Promise<void> {
    this.started = false;
    this.poll?.cancel();
    const { clock } = this.options;
    const timer = clock.after(deadlineMs, () => this.ending.abort());
    await this.taking;
    await Promise.all(this.running);
    timer.cancel();
  }

  private wake(): void {
    if (!this.started) return;
    if (this.taking) {
      this.again = true;
      return;
    }
    this.poll?.cancel();
    this.taking = this.takeSome().finally(() => {
      this.taking = undefined;
      const { again } = this;
      this.again = false;
      if (again) this.wake();
      else if (this.started) this.poll = this.options.clock.after(this.pollMs(), () => this.wake());
    });
  }

  private async takeSome(): Promise<void> {
    const { atOnce, leaseMs, database } = this.options;
    const free = atOnce - this.running.size;
    // The engine that is embedded is not opened to look for rows that nobody can have written.
    if (free <= 0 || !database.isOpen) return;
    let rows: RowOf<T>[];
    try {
      rows = await this.store.take(free, leaseMs);
    } catch (error) {
      // An outage is told by its compartment, once.
      if (!(error instanceof DatabaseUnavailableError)) this.logger.error(error);
      return;
    }
    for (const row of rows) this.begin(row);
  }

  private begin(row: RowOf<T>): void {
    const done = this.handle(row)
      .catch((error: unknown) => this.logger.error(error))
      .finally(() => {
        this.running.delete(done);
        this.wake();
      });
    this.running.add(done);
  }

  private async handle(row: RowOf<T>): Promise<void> {
    const { maxAttempts, clock, leaseMs } = this.options;
    const untilMs = clock.monotonicMs() + leaseMs;
    // Taken and never settled, again and again: it may well be what ends the processes that take it.
    if (row.attempts > maxAttempts) return this.settle(row, untilMs, () => this.giveUp(row, 'abandoned'));
    if (!this.started) return this.settle(row, untilMs, () => this.handBack(row));
    const failure = await this.attempt(row);
    await this.settle(row, untilMs, () => this.close(row, failure));
  }

  /** Undefined where it was done. */
  private async attempt(row: RowOf<T>): Promise<{ readonly error: unknown } | undefined> {
    const { perform, clock, performMs } = this.options;
    const late = new AbortController();
    const timer = clock.after(performMs, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.ending.signal]);
    const calledOff = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new CalledOff()), { once: true });
    });
    try {
      await Promise.race([perform(row, signal), calledOff]);
      return undefined;
    } catch (error) {
      return { error: signal.aborted ? new CalledOff() : error };
    } finally {
      timer.cancel();
    }
  }

  private async close(row: RowOf<T>, failure: { readonly error: unknown } | undefined): Promise<Outcome> {
    if (failure === undefined) return (await this.store.sent(row)) ? 'sent' : 'lost';
    const { error } = failure;
    if (error instanceof CalledOff && this.ending.signal.aborted) return this.handBack(row);
    const reason = this.reason(error);
    const { maxAttempts, maxAgeMs } = this.options;
    const over =
      error instanceof PermanentFailure ||
      row.attempts >= maxAttempts ||
      (Number.isFinite(maxAgeMs) && (await this.store.isOlderThan(row, maxAgeMs)));
    if (over) return this.giveUp(row, reason);
    return (await this.store.retry(row, reason, this.pauseMs(row, error))) ? 'retried' : 'lost';
  }

  private async giveUp(row: RowOf<T>, reason: string): Promise<Outcome> {
    if (!(await this.store.fail(row, reason))) return 'lost';
    const { id, attempts } = row;
    this.logger.warn('Given up', { worker: this.options.name, id, attempts, reason });
    return 'failed';
  }

  private async handBack(row: RowOf<T>): Promise<Outcome> {
    return (await this.store.giveBack(row)) ? 'returned' : 'lost';
  }

  /** Writes down what became of a row, for as long as it is ours. */
  private async settle(row: DueRow, untilMs: number, write: () => Promise<Outcome>): Promise<void> {
    const { name, metrics, clock } = this.options;
    for (let unsure = false; ; unsure = true) {
      try {
        const outcome = await write();
        // What could not be heard the first time was done then: the row is settled, and by us.
        metrics.dueRows.inc({ worker: name, outcome: unsure && outcome === 'lost' ? 'sent' : outcome });
        return;
      } catch (error) {
        const givingUp = clock.monotonicMs() + SETTLE_EVERY_MS > untilMs || this.ending.signal.aborted;
        if (!(error instanceof DatabaseUnavailableError) || givingUp) {
          metrics.dueRows.inc({ worker: name, outcome: 'lost' });
          this.logger.error('What became of a row is not known', { worker: name, id: row.id, error });
          return;
        }
      }
      await new Promise<void>((resolve) => clock.after(SETTLE_EVERY_MS, resolve));
    }
  }

  private reason(error: unknown): string {
    if (error instanceof CalledOff) return 'timeout';
    const word = error instanceof PermanentFailure ? error.reason : this.options.reasonOf(error);
    return word.slice(0, LONGEST_REASON);
  }

  /** Doubles with every attempt; the half of it is left to chance. Who is asked to wait longer, does. */
  private pauseMs({ attempts }: DueRow, error: unknown): number {
    const { backOff, random } = this.options;
    const ceilingMs = Math.min(backOff.mostMs, backOff.firstMs * 2 ** Math.min(attempts - 1, 30));
    const asked: unknown = error instanceof Error ? Reflect.get(error, 'retryAfterMs') : undefined;
    const pauseMs = ceilingMs * (0.5 + 0.5 * random());
    return Math.round(Math.max(pauseMs, typeof asked === 'number' ? Math.min(asked, backOff.mostMs) : 0));
  }

  private pollMs(): number {
    const { pollMs, random } = this.options;
    return pollMs * (0.75 + 0.5 * random());
  }
}

/** The time for it was over, or the process ends. */
class CalledOff extends Error {}
