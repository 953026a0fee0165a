import type { Clock, Timer } from './time.js';

/** A Clock that moves only when told to; for tests and for replaying histories. */
export class ManualClock implements Clock {
  private elapsedMs = 0;
  private readonly timers = new Set<{ dueMs: number; run: () => void }>();

  /** @param startMs wall clock at the beginning, milliseconds since the epoch */
  constructor(private readonly startMs = 1_700_000_000_000) {}

  nowMs(): number {
    return this.startMs + Math.floor(this.elapsedMs);
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.elapsedMs + delayMs, run };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  /** Time goes on while the process does nothing: what falls due runs with the next `advance`, late. */
  standStill(ms: number): void {
    this.elapsedMs += ms;
  }

  /** Moves time on and runs what falls due, in order, at its own moment. */
  advance(ms: number): void {
    const endMs = this.elapsedMs + ms;
    for (;;) {
      const next = [...this.timers].filter((t) => t.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next) break;
      this.timers.delete(next);
      this.elapsedMs = Math.max(this.elapsedMs, next.dueMs);
      next.run();
    }
    this.elapsedMs = endMs;
  }
}
