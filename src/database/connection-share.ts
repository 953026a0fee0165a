import type { Clock, Timer } from '../kernel/time.js';

interface Waiting {
  readonly take: (got: boolean) => void;
  readonly timer: Timer;
}

/**
 * The connections that one feature may use at a time. Whoever finds none left waits in line, for a bounded time; a
 * feature has no more than its share, and nobody else can have it.
 */
export class ConnectionShare {
  private used = 0;
  private readonly line = new Set<Waiting>();

  constructor(
    readonly most: number,
    private readonly clock: Clock,
  ) {}

  get inUse(): number {
    return this.used;
  }

  get waiting(): number {
    return this.line.size;
  }

  /** @returns whether there is one; who got one gives it back */
  take(waitMs: number): Promise<boolean> {
    if (this.used < this.most) {
      this.used += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiting: Waiting = {
        take: (got) => {
          this.line.delete(waiting);
          waiting.timer.cancel();
          resolve(got);
        },
        timer: this.clock.after(waitMs, () => waiting.take(false)),
      };
      this.line.add(waiting);
    });
  }

  giveBack(): void {
    const [next] = this.line;
    // Handed over: nobody who comes now can be faster than who waited.
    if (next) next.take(true);
    else this.used -= 1;
  }

  /** Nobody waits any longer: the compartment was closed. */
  dismiss(): void {
    for (const waiting of this.line) waiting.take(false);
  }
}
