import type { Clock } from '../kernel/time.js';

const FIRST_MS = 25;
const STABLE_MS = 10_000;

/**
 * How long to wait before the next connection attempt: exponential with full jitter, so that a fleet that
 * lost its server does not return in step. The count is forgotten only after ten stable seconds: a link
 * that flaps would otherwise begin at the shortest pause again and again.
 */
export class ReconnectPace {
  private attempts = 0;
  private openedMs: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly capMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  opened(): void {
    this.openedMs = this.clock.monotonicMs();
  }

  /** @returns milliseconds to wait, at least 1 */
  next(): number {
    if (this.openedMs !== undefined && this.clock.monotonicMs() - this.openedMs >= STABLE_MS)
      this.attempts = 0;
    this.openedMs = undefined;
    const ceilingMs = Math.min(this.capMs, FIRST_MS * 2 ** Math.min(this.attempts, 16));
    this.attempts += 1;
    return 1 + Math.floor(this.random() * ceilingMs);
  }
}
