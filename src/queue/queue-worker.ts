import { waitAtMost } from '../kernel/deadline.js';
import type { Timer } from '../kernel/time.js';
import { Attempts } from './attempts.js';
import { CalledOff, PermanentFailure } from './queue.errors.js';
import {
  type QueueWorkerOptions,
  type SettledOptions,
  UNKNOWN_REASON,
  settleOptions,
} from './queue-worker.options.js';
import type { Outcome, Work } from './work-source.js';
import { WorkerLog } from './worker-log.js';

/** While the compartment of a source is away, what became of its work is written down as soon as it is back. */
const SETTLE_EVERY_MS = 500;
/** At the end, for an answer of a source that may say nothing at all. */
const LAST_CALL_MS = 400;
const LONGEST_REASON = 64;

/** What is to become of work, and how that is written down. */
interface Verdict {
  readonly outcome: Outcome;
  /** @returns whether it was still ours */
  write(): Promise<boolean>;
  /** Where it is given up. */
  readonly reason?: string;
}

/**
 * Does what a source says is due, each piece once: in this process and in all others that run the same worker. Work is
 * taken for a time; when its process dies, another takes it over. So it is done at least once, and again only if a process
 * dies, or loses the source for the rest of that time, after it was done and before that was written down; or if it was
 * called off, as its time was over or the process ended, and whoever was asked did it all the same. So `performMs` is
 * longer than the slowest answer that may still come.
 */
export class QueueWorker<W extends Work> {
  private readonly options: SettledOptions<W>;
  private readonly log: WorkerLog;
  private readonly attempts: Attempts;
  private readonly running = new Set<Promise<void>>();
  /** What runs was called off. */
  private over = false;
  private taking: Promise<void> | undefined;
  private again = false;
  private started = false;
  private poll: Timer | undefined;
  private resumesAtMs = Number.NEGATIVE_INFINITY;
  private lacking = false;
  /** What is performed tolerates nothing beside it. */
  private alone = false;

  constructor(options: QueueWorkerOptions<W>) {
    this.options = settleOptions(options);
    const { name, clock, performMs } = this.options;
    this.log = new WorkerLog(name, clock);
    this.attempts = new Attempts(clock, performMs);
  }

  /** What `perform` needs was away when it was tried last. */
  get lacksNeeds(): boolean {
    return this.lacking;
  }

  start(): void {
    this.started = true;
    this.wake();
  }

  /** Something may be due: called after it was added. */
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
    const { clock, source } = this.options;
    const timer = clock.after(deadlineMs, () => {
      this.over = true;
      this.attempts.callOff();
    });
    // What is being taken when the server says nothing is somebody else's after its lease.
    await waitAtMost(clock, LAST_CALL_MS, this.taking);
    await waitAtMost(clock, deadlineMs + LAST_CALL_MS, Promise.all(this.running));
    timer.cancel();
    const left = source.close().catch((error: unknown) => this.report(error));
    await waitAtMost(clock, LAST_CALL_MS, left);
  }

  private wake(): void {
    if (!this.started) return;
    if (this.taking) {
      this.again = true;
      return;
    }
    // Something is in hand then, and its end asks again.
    if (this.free() === 0) return;
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
    const { source, clock } = this.options;
    const free = this.free();
    if (free === 0 || clock.monotonicMs() < this.resumesAtMs || !source.isOpen) return;
    const { lacking } = this;
    let taken: readonly W[];
    try {
      taken = await source.take(free, this.running.size);
    } catch (error) {
      this.report(error);
      return;
    }
    // Nothing waits any more for what was away: others have done it.
    if (lacking && taken.length === 0) this.lacking = false;
    for (const work of taken) this.begin(work);
  }

  /** How many more may be begun; 0 where it is too early to ask for more. */
  private free(): number {
    const { atOnce, fewestAtOnce } = this.options;
    const inHand = this.running.size;
    if (this.alone) return 0;
    // One shows whether what all work needs is back.
    if (this.lacking) return inHand === 0 ? 1 : 0;
    const free = atOnce - inHand;
    return free < fewestAtOnce ? 0 : free;
  }

  private begin(work: W): void {
    this.alone = work.alone ?? false;
    const done = this.handle(work)
      .catch((error: unknown) => this.report(error))
      .finally(() => {
        this.running.delete(done);
        if (work.alone) this.alone = false;
        this.wake();
      });
    this.running.add(done);
  }

  private async handle(work: W): Promise<void> {
    const { maxAttempts, clock, source } = this.options;
    const untilMs = clock.monotonicMs() + source.leaseMs;
    // Taken and never settled, again and again: it may well be what ends the processes that take it.
    if (work.attempts > maxAttempts) return this.settle(work, untilMs, () => this.giveUp(work, 'abandoned'));
    if (!this.started) return this.settle(work, untilMs, () => this.giveBack(work));
    const failure = await this.attempts.run((signal) => this.options.perform(work, signal));
    await this.settle(work, untilMs, () => this.judge(work, failure));
  }

  /** @param failure undefined where it was done */
  private async judge(work: W, failure: { readonly error: unknown } | undefined): Promise<Verdict> {
    const { source, maxAttempts, needsAreAway } = this.options;
    if (failure === undefined) {
      this.lacking = false;
      return { outcome: 'sent', write: () => source.done(work) };
    }
    const { error } = failure;
    if (error instanceof CalledOff && this.over) return this.giveBack(work);
    if (needsAreAway(error)) {
      this.pause();
      return this.giveBack(work);
    }
    const over =
      error instanceof PermanentFailure || work.attempts >= maxAttempts || (await source.isTooOld(work));
    const reason = this.reason(error);
    if (over) return this.giveUp(work, reason);
    const pauseMs = this.pauseMs(work.attempts, error);
    return { outcome: 'retried', write: () => source.retry(work, reason, pauseMs) };
  }

  private giveUp(work: W, reason: string): Verdict {
    return { outcome: 'failed', reason, write: () => this.options.source.giveUp(work, reason) };
  }

  private giveBack(work: W): Verdict {
    return { outcome: 'returned', write: () => this.options.source.giveBack(work) };
  }

  /** Writes down what became of work, for as long as it is ours. */
  private async settle(work: W, untilMs: number, judge: () => Verdict | Promise<Verdict>): Promise<void> {
    const { onSettled, clock, source } = this.options;
    let verdict: Verdict | undefined;
    for (let unsure = false; ; unsure = verdict !== undefined) {
      try {
        verdict ??= await judge();
        // What could not be heard the first time was done then: it is settled, and by us.
        const kept = (await verdict.write()) || unsure;
        if (kept && verdict.reason !== undefined) this.log.givenUp(work, verdict.reason);
        onSettled(kept ? verdict.outcome : 'lost');
        return;
      } catch (error) {
        const givingUp = clock.monotonicMs() + SETTLE_EVERY_MS > untilMs || this.over;
        if (!source.isOutage(error) || givingUp) {
          onSettled('lost');
          this.log.unsettled(work, error);
          return;
        }
      }
      await new Promise<void>((resolve) => clock.after(SETTLE_EVERY_MS, resolve));
    }
  }

  private reason(error: unknown): string {
    if (error instanceof CalledOff) return 'timeout';
    if (error instanceof PermanentFailure) return error.reason.slice(0, LONGEST_REASON);
    const { reasonOf, source } = this.options;
    const word = reasonOf(error);
    // The word is all that is kept of it: what nobody foresaw is to be told here or nowhere.
    if (word === UNKNOWN_REASON && !source.isOutage(error))
      this.log.mistake('Work failed for a reason that nobody foresaw', error);
    return word.slice(0, LONGEST_REASON);
  }

  private pause(): void {
    const { clock, backOff, random } = this.options;
    this.lacking = true;
    this.resumesAtMs = clock.monotonicMs() + backOff.firstMs * (0.5 + 0.5 * random());
  }

  /** Doubles with every attempt; the half of it is left to chance. Who is asked to wait longer, does. */
  private pauseMs(attempts: number, error: unknown): number {
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

  private report(error: unknown): void {
    if (!this.options.source.isOutage(error))
      this.log.mistake('A source of work does not do what it should', error);
  }
}
