import type { Clock } from '../kernel/time.js';

/** Keys beyond this many forget the oldest one: a warning too many is better than a leak. */
const MAX_KEYS = 1000;

/** Lets something be said at most once per interval and key, and knows how often it was not said. */
export class RepeatGuard {
  private readonly last = new Map<string, { atMs: number; suppressed: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
  ) {}

  /** Calls `say` unless it did within the interval; `suppressed` are the calls it left out since then. */
  once(key: string, say: (suppressed: number) => void): void {
    const nowMs = this.clock.monotonicMs();
    const entry = this.last.get(key);
    if (entry && nowMs - entry.atMs < this.intervalMs) {
      entry.suppressed += 1;
      return;
    }
    this.last.delete(key);
    this.last.set(key, { atMs: nowMs, suppressed: 0 });
    if (this.last.size > MAX_KEYS) this.forgetOldest();
    say(entry?.suppressed ?? 0);
  }

  private forgetOldest(): void {
    const oldest = this.last.keys().next();
    if (!oldest.done) this.last.delete(oldest.value);
  }
}
