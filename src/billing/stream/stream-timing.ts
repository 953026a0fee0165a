import type { Clock, Timer } from '../../kernel/time.js';

/** Why a stream ends by itself: its identity holds no longer, or it is old enough to be somebody else's turn. */
export type DueReason = 'expired' | 'age';

/** Give or take this share of the greatest age. */
const AGE_SPREAD = 0.2;

/**
 * When a stream ends by itself. Looked at with every heartbeat; only a stream whose time comes before the next one gets a
 * timer of its own.
 */
export class StreamTiming {
  private readonly oldMs: number;
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly endsAtMs: number,
    maxAgeMs: number,
  ) {
    const factor = 1 + AGE_SPREAD * (2 * Math.random() - 1);
    this.oldMs = clock.monotonicMs() + maxAgeMs * factor;
  }

  /** @param withinMs until it is looked at again, at the latest. @param end is called at the moment */
  watch(withinMs: number, end: (reason: DueReason) => void): void {
    if (this.timer) return;
    const expiresMs = this.endsAtMs - this.clock.nowMs();
    const oldMs = this.oldMs - this.clock.monotonicMs();
    const dueMs = Math.min(expiresMs, oldMs);
    if (dueMs > withinMs) return;
    const reason = expiresMs <= oldMs ? 'expired' : 'age';
    this.timer = this.clock.after(Math.max(0, dueMs), () => end(reason));
  }

  cancel(): void {
    this.timer?.cancel();
  }
}
