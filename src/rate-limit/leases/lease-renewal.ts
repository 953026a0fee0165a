import type { Clock, Timer } from '../../kernel/time.js';
import { type Lease, MOST_LEASES_PER_CALL } from './lease.js';
import type { LeaseStore } from './lease-store.js';
import type { OpenLeases } from './open-leases.js';

/** Until a renewal that failed is tried again. */
const RETRY_MS = 1000;

export interface LeaseRenewalOptions {
  readonly open: OpenLeases;
  readonly store: Pick<LeaseStore, 'renew'>;
  readonly clock: Clock;
  /** Why Redis cannot be asked now; undefined: it can. */
  readonly lost: () => string | undefined;
  /** A third of the shortest life of a lease, milliseconds. */
  readonly everyMs: number;
  /** Told which leases were closed while they were renewed: Redis may have them again. */
  readonly onClosedMeanwhile: (leases: readonly Lease[]) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Gives all leases of the process a new life together, a few hundred per call. Nothing runs while no stream is open.
 * A lease that Redis does not know any more is put back: what is open is open.
 */
export class LeaseRenewal {
  private timer: Timer | undefined;
  private running = false;
  /** When Redis was last back, monotonic milliseconds: it may have forgotten whatever it was told before. */
  private returnedAtMs = -Infinity;
  /** It came back while leases were being renewed. */
  private again = false;
  private stopped = false;

  constructor(private readonly options: LeaseRenewalOptions) {}

  /** A stream has opened. */
  watch(): void {
    if (!this.timer && !this.running) this.arm(this.options.everyMs);
  }

  /** Renews all leases now: Redis is back, and may have forgotten every one of them. */
  now(): void {
    this.returnedAtMs = this.options.clock.monotonicMs();
    this.again = true;
    if (!this.running) void this.run();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(delayMs: number): void {
    this.timer?.cancel();
    this.timer = this.stopped ? undefined : this.options.clock.after(delayMs, () => void this.run());
  }

  private async run(): Promise<void> {
    const { open, everyMs } = this.options;
    this.timer?.cancel();
    this.timer = undefined;
    this.running = true;
    let complete: boolean;
    do {
      this.again = false;
      complete = await this.renew(this.due());
    } while (this.again && !this.stopped);
    this.running = false;
    if (open.size > 0) this.arm(complete ? everyMs : Math.min(RETRY_MS, everyMs));
  }

  /**
   * Those that were renewed or opened a moment ago can wait for the next turn, unless Redis was away since: they stay
   * due until it has taken them, however many tries that takes.
   */
  private due(): Lease[] {
    const { open, clock, everyMs } = this.options;
    const latestMs = Math.max(clock.monotonicMs() - everyMs / 2, this.returnedAtMs);
    return open.all().filter(({ shared, renewedAtMs }) => shared && renewedAtMs <= latestMs);
  }

  /** @returns whether all of them have a new life */
  private async renew(due: readonly Lease[]): Promise<boolean> {
    let complete = true;
    for (let at = 0; at < due.length; at += MOST_LEASES_PER_CALL) {
      // Not worth a call each: when Redis is back, somebody calls `now`.
      if (this.stopped || this.options.lost() !== undefined) return false;
      if (!(await this.renewTogether(due.slice(at, at + MOST_LEASES_PER_CALL)))) complete = false;
    }
    return complete;
  }

  private async renewTogether(some: readonly Lease[]): Promise<boolean> {
    const { open, store, clock, onClosedMeanwhile, onFailed } = this.options;
    const leases = some.filter((lease) => open.has(lease));
    if (leases.length === 0) return true;
    const startMs = clock.monotonicMs();
    try {
      await store.renew(leases);
      for (const lease of leases) lease.renewedAtMs = startMs;
      return true;
    } catch (error) {
      onFailed(error);
      return false;
    } finally {
      const closed = leases.filter((lease) => !open.has(lease));
      if (closed.length > 0) onClosedMeanwhile(closed);
    }
  }
}
