import type { Clock } from '../kernel/time.js';

/** Connects per second of a whole process, however many lanes it has and whatever their links do. */
const PER_SECOND = 24;
/** A second as the server counts it: timers fire late and packets take their time. */
const WINDOW_MS = 1050;

/**
 * Divides the connects of one process over its lanes, once and for all. Nothing is lent: a compartment whose link
 * flaps uses up its own share and never that of another, which may have to reconnect at the same moment.
 */
export class ReconnectAllowance {
  private lanes = 0;

  constructor(private readonly clock: Clock) {}

  /** The share of a compartment, which becomes smaller while others join. */
  join(lanes: number): ReconnectBudget {
    this.lanes += lanes;
    return new ReconnectBudget(this.clock, () => (PER_SECOND * lanes) / this.lanes);
  }
}

/** How often one compartment may connect: a sliding window that its lanes share. */
export class ReconnectBudget {
  /** Moments of connects, past and planned, of `clock.monotonicMs()`. */
  private connects: number[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: () => number,
  ) {}

  /**
   * Plans a connect.
   *
   * @returns the earliest moment from `wishMs` on that the budget allows
   */
  plan(wishMs: number): number {
    const { windowMs } = this.window();
    const nowMs = this.clock.monotonicMs();
    this.connects = this.connects.filter((ms) => ms > nowMs - windowMs);
    // Room is made only where a connect leaves the window.
    const later = this.connects.map((ms) => ms + windowMs).filter((ms) => ms > wishMs);
    const candidates = [wishMs, ...later.sort((a, b) => a - b)];
    // The last candidate lies a window behind everything, so one is found.
    const plannedMs = candidates.find((ms) => this.hasRoom(ms)) ?? wishMs;
    this.connects.push(plannedMs);
    return plannedMs;
  }

  /** What was planned for `plannedMs` will not take place. */
  withdraw(plannedMs: number): void {
    const index = this.connects.indexOf(plannedMs);
    if (index >= 0) this.connects.splice(index, 1);
  }

  /** A connect takes place now: the one planned for `plannedMs`, or one that waits for nothing. */
  spend(plannedMs?: number): void {
    const index = plannedMs === undefined ? -1 : this.connects.indexOf(plannedMs);
    if (index >= 0) this.connects.splice(index, 1);
    this.connects.push(this.clock.monotonicMs());
  }

  /** Whether every window that would hold a connect at `atMs` has room for it. */
  private hasRoom(atMs: number): boolean {
    const { windowMs, most } = this.window();
    const starts = [...this.connects, atMs].filter((ms) => ms > atMs - windowMs && ms <= atMs);
    return starts.every(
      (start) => this.connects.filter((ms) => ms >= start && ms < start + windowMs).length < most,
    );
  }

  /** A share below one connect a second is one connect in a longer while. */
  private window(): { windowMs: number; most: number } {
    const share = this.perSecond();
    return share >= 1
      ? { windowMs: WINDOW_MS, most: Math.floor(share) }
      : { windowMs: WINDOW_MS / share, most: 1 };
  }
}
