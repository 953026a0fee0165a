import type { Clock, Timer } from '../../kernel/time.js';
import { type Lease, MOST_LEASES_PER_CALL } from './lease.js';
import type { LeaseStore } from './lease-store.js';

/** Until a release that failed is tried again. */
const RETRY_MS = 1000;
/** Beyond this the oldest are left to run out by themselves. */
const MOST_WAITING = 50_000;

export interface LeaseReleasesOptions {
  readonly store: Pick<LeaseStore, 'release'>;
  readonly clock: Clock;
  /** Why Redis cannot be asked now; undefined: it can. */
  readonly lost: () => string | undefined;
}

interface Waiting {
  readonly lease: Lease;
  /** It has run out by then at the latest, monotonic milliseconds. */
  readonly untilMs: number;
}

/**
 * Frees leases in Redis: those of one turn of the event loop in one call. What cannot be freed now is tried again, for
 * as long as it would live. Freeing one twice does no harm.
 */
export class LeaseReleases {
  private readonly waiting = new Map<string, Waiting>();
  private running: Promise<void> | undefined;
  private scheduled = false;
  private retry: Timer | undefined;
  private stopped = false;

  constructor(private readonly options: LeaseReleasesOptions) {}

  get size(): number {
    return this.waiting.size;
  }

  add(lease: Lease): void {
    if (this.stopped) return;
    const untilMs = this.options.clock.monotonicMs() + lease.quota.leaseMs;
    this.waiting.delete(lease.id);
    this.waiting.set(lease.id, { lease, untilMs });
    if (this.waiting.size > MOST_WAITING) this.forgetOldest();
    if (this.scheduled) return;
    this.scheduled = true;
    // All sockets that close in one turn are told before this runs.
    setImmediate(() => {
      this.scheduled = false;
      void this.flush();
    });
  }

  /** Frees what waits, as far as Redis answers. Never rejects. */
  async flush(): Promise<void> {
    // What was added while a flush was on its way has been seen by it or is seen by the next one.
    while (this.running) await this.running;
    if (this.waiting.size === 0) return;
    this.running = this.run();
    await this.running;
    this.running = undefined;
  }

  /** The connections to Redis are closed after this. */
  stop(): void {
    this.stopped = true;
    this.retry?.cancel();
  }

  private async run(): Promise<void> {
    const { store, lost, clock } = this.options;
    this.retry?.cancel();
    while (this.waiting.size > 0 && !this.stopped && lost() === undefined) {
      const some = this.take(clock.monotonicMs());
      try {
        if (some.length > 0) await store.release(some.map(({ lease }) => lease));
      } catch {
        if (!this.stopped) this.retry = clock.after(RETRY_MS, () => void this.flush());
        return;
      }
      for (const one of some) if (this.waiting.get(one.lease.id) === one) this.waiting.delete(one.lease.id);
    }
  }

  private take(nowMs: number): Waiting[] {
    const some: Waiting[] = [];
    for (const [id, one] of this.waiting) {
      if (one.untilMs <= nowMs) this.waiting.delete(id);
      else if (some.push(one) === MOST_LEASES_PER_CALL) break;
    }
    return some;
  }

  private forgetOldest(): void {
    const oldest = this.waiting.keys().next();
    if (!oldest.done) this.waiting.delete(oldest.value);
  }
}
