import type { Clock, Timer } from '../kernel/time.js';

const FIRST_RETRY_MS = 250;
const LONGEST_PAUSE_MS = 5000;
/** Beyond this the oldest are left to their leases. */
const MOST_WAITING = 10_000;

export interface Settlement {
  /** Asks once; rejects where Redis does not answer. */
  readonly settle: () => Promise<unknown>;
  /** Not worth asking afterwards, milliseconds of the monotonic clock. */
  readonly untilMs: number;
}

/**
 * Claims that ended while Redis did not answer: told to it as soon as it does, so that a used token is used up before
 * its lease runs out, and an unused one is free sooner. Nothing is decided here: until Redis knows, the lease holds.
 */
export class SettleRetries {
  private waiting: Settlement[] = [];
  private timer: Timer | undefined;
  private running: Promise<void> | undefined;
  private pauseMs = FIRST_RETRY_MS;
  private stopped = false;

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.waiting.length;
  }

  add(settlement: Settlement): void {
    if (this.stopped) return;
    this.waiting.push(settlement);
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
    if (!this.timer && !this.running) this.arm();
  }

  /** Asks a last time; the connections are closed after this. Never rejects. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
    await (this.running ?? this.run());
  }

  private arm(): void {
    this.timer = this.clock.after(this.pauseMs, () => {
      this.timer = undefined;
      this.running = this.run().finally(() => {
        this.running = undefined;
        if (this.waiting.length > 0 && !this.stopped) this.arm();
      });
    });
  }

  /** In their order; the first that fails says that Redis is still away. */
  private async run(): Promise<void> {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      if (next.untilMs > this.clock.monotonicMs()) {
        try {
          await next.settle();
        } catch {
          this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
          return;
        }
      }
      // Not simply the first one: it may have been pushed out meanwhile.
      this.waiting = this.waiting.filter((one) => one !== next);
    }
    this.pauseMs = FIRST_RETRY_MS;
  }
}
