import type { Clock } from '../kernel/time.js';
import type { ReconnectBudget } from './reconnect-allowance.js';

export interface ReconnectPaceOptions {
  readonly clock: Clock;
  /** Longest pause, milliseconds. */
  readonly capMs: number;
  /** Shared by the lanes of a compartment. */
  readonly budget: Pick<ReconnectBudget, 'plan' | 'spend' | 'withdraw'>;
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

const FIRST_MS = 25;
const GROWTH = 4;
/** A server that restarts is back within a second or two, and whoever lost it should be as well. */
const SHORT_OUTAGE_MS = 2000;
const SHORT_OUTAGE_CAP_MS = 800;
/** At the cap pauses vary by this share only: a fleet that is spread out evenly should stay so. */
const CAP_SPREAD = 0.1;
const STABLE_MS = 10_000;
/** A link lost more often than this without ten stable seconds in between flaps: it waits as in a long outage. */
const MOST_LOSSES = 5;
/** A bound, so that hours of flapping are forgotten no later than seconds of it. */
const MOST_REMEMBERED = 10;

/**
 * How long one lane waits before its next connection attempt. Ceilings grow fourfold, with full jitter, so that a
 * fleet which lost its server does not return in step. At the cap the first pause spreads the fleet over the
 * whole of it, and the next ones keep it spread: full jitter again and again would bring twice as many back in the
 * first moment as an even spread does.
 *
 * Attempts that failed are forgotten when a connection is proven. That it was lost again is forgotten bit by bit and
 * wholly after ten stable seconds: a link that flaps would otherwise begin at the shortest pause every time.
 */
export class ReconnectPace {
  private losses = 0;
  private failures = 0;
  private lostMs: number | undefined;
  private openedMs: number | undefined;
  private plannedMs: number | undefined;
  private spread = false;
  private begun = false;

  constructor(private readonly options: ReconnectPaceOptions) {}

  opened(): void {
    this.openedMs = this.options.clock.monotonicMs();
  }

  /** An attempt begins. One that replaces a connection on purpose was not planned and counts for nothing. */
  attempting(): void {
    if (this.plannedMs !== undefined || !this.begun) this.options.budget.spend(this.plannedMs);
    this.plannedMs = undefined;
    this.begun = true;
  }

  /** Nothing is attempted any more. */
  stop(): void {
    if (this.plannedMs !== undefined) this.options.budget.withdraw(this.plannedMs);
    this.plannedMs = undefined;
  }

  /** @returns milliseconds to wait before the next attempt, at least 1 */
  next(): number {
    const { clock, budget } = this.options;
    const nowMs = clock.monotonicMs();
    if (this.openedMs !== undefined || this.lostMs === undefined) this.lost(nowMs);
    else this.failures += 1;
    this.plannedMs = budget.plan(nowMs + this.pauseMs(nowMs));
    return Math.max(1, Math.ceil(this.plannedMs - nowMs));
  }

  private lost(nowMs: number): void {
    const stableMs = nowMs - (this.openedMs ?? nowMs);
    const remembered = Math.max(0, 1 - stableMs / STABLE_MS);
    this.losses = Math.min(MOST_REMEMBERED, Math.ceil(this.losses * remembered) + 1);
    this.failures = 0;
    this.openedMs = undefined;
    this.lostMs = nowMs;
  }

  private pauseMs(nowMs: number): number {
    const { capMs, random = Math.random } = this.options;
    const long = this.losses > MOST_LOSSES || nowMs - (this.lostMs ?? nowMs) > SHORT_OUTAGE_MS;
    const ceilingMs = Math.min(
      capMs,
      FIRST_MS * GROWTH ** Math.min(this.losses - 1 + this.failures, 16),
      long ? capMs : SHORT_OUTAGE_CAP_MS,
    );
    const even = this.spread && ceilingMs === capMs;
    this.spread = ceilingMs === capMs;
    return ceilingMs * (even ? 1 - CAP_SPREAD * random() : random());
  }
}
