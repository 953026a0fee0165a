import type { Clock, Timer } from '../../kernel/time.js';

export interface Pace {
  readonly ratePerSecond: number;
  readonly count: number;
  /** Beyond this many open requests, further ones wait; they keep their planned moment. */
  readonly mostOpen: number;
  /** How long after the last planned moment requests may still be started, in milliseconds. */
  readonly graceMs: number;
}

/** One planned request. */
export interface Slot {
  readonly index: number;
  /** When it should start, by the monotonic clock, in milliseconds. */
  readonly plannedMs: number;
  /** Whether `mostOpen` held requests back when it started, so that its delay is not the driver's fault. */
  readonly held: boolean;
}

/**
 * Starts requests by the clock and never waits for an answer before it starts the next one: a server that stalls
 * meets the same traffic as one that is quick, and the stall shows in every request planned meanwhile. Only the
 * bound on open requests holds back, and then the wait counts as latency.
 */
export class OpenLoop {
  private readonly startMs: number;
  private next = 0;
  private open = 0;
  private held = false;
  private stopped = false;
  private timer: Timer | undefined;
  private finish: () => void = () => undefined;

  /** @param send resolves when the request is over; never rejects */
  constructor(
    private readonly clock: Clock,
    private readonly pace: Pace,
    private readonly send: (slot: Slot) => Promise<void>,
  ) {
    this.startMs = clock.monotonicMs();
  }

  /**
   * Resolves when every request is over; a stop by `signal` starts no further ones.
   *
   * @returns how many were started; fewer than planned only where the server hardly answers, or after a stop
   */
  async run(signal?: AbortSignal): Promise<number> {
    const { count, graceMs } = this.pace;
    const stop = () => {
      this.stopped = true;
      this.turn();
    };
    const deadline = this.clock.after(this.plannedMs(count - 1) - this.startMs + graceMs, stop);
    signal?.addEventListener('abort', stop, { once: true });
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      if (signal?.aborted) stop();
      else this.turn();
    });
    deadline.cancel();
    signal?.removeEventListener('abort', stop);
    return this.next;
  }

  /** When a request should start, by the monotonic clock, in milliseconds. */
  plannedMs(index: number): number {
    return this.startMs + (index * 1000) / this.pace.ratePerSecond;
  }

  private turn(): void {
    this.timer?.cancel();
    const { count, mostOpen } = this.pace;
    while (!this.stopped && this.next < count && this.open < mostOpen && this.isDue(this.next)) {
      this.start(this.next);
      this.next += 1;
    }
    if (this.stopped || this.next === count) {
      if (this.open === 0) this.finish();
      return;
    }
    // Full, an answer calls again. Not asked is whether the next one is due: it may have become so just now.
    this.held = this.open >= mostOpen;
    if (this.held) return;
    const waitMs = Math.max(0, this.plannedMs(this.next) - this.clock.monotonicMs());
    this.timer = this.clock.after(waitMs, () => this.turn());
  }

  private start(index: number): void {
    this.open += 1;
    void this.send({ index, plannedMs: this.plannedMs(index), held: this.held }).then(() => {
      this.open -= 1;
      const last = this.open === 0 && (this.stopped || this.next === this.pace.count);
      if (this.held || last) this.turn();
    });
  }

  private isDue(index: number): boolean {
    return this.plannedMs(index) <= this.clock.monotonicMs();
  }
}
