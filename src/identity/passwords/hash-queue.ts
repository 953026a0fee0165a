import { availableParallelism } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { PasswordSettings } from './password.config.js';
import { OverloadedError } from './password.errors.js';

export const MOST_WAITING = 32;
export const LONGEST_WAIT_MS = 2000;
/** Of libuv's four threads one stays free: DNS and files need them as well. */
const MOST_THREADS = 3;

interface Waiting {
  readonly begin: () => void;
  readonly timer: Timer;
}

/**
 * Hashing takes a core and tens of megabytes for some ten milliseconds, on purpose. So a burst of sign-ins waits here,
 * in order of arrival, instead of taking every core and all memory; and what could not be done soon is refused at once.
 */
@Injectable()
export class HashQueue {
  private readonly most: number;
  private readonly waiting = new Set<Waiting>();
  private running = 0;

  constructor(
    settings: PasswordSettings,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {
    this.most = settings.concurrency ?? Math.min(availableParallelism(), MOST_THREADS);
    this.show();
  }

  /**
   * Runs the work when a place is free.
   *
   * @throws OverloadedError when 32 wait already, or after 2 s; the work was not begun then
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.place();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  /** Takes a free place, or is given the one of whoever leaves: nobody gets in between. */
  private place(): Promise<void> {
    if (this.running < this.most) {
      this.running += 1;
      this.show();
      return Promise.resolve();
    }
    if (this.waiting.size >= MOST_WAITING) return Promise.reject(this.refusal('full'));
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(LONGEST_WAIT_MS, () => {
        this.waiting.delete(entry);
        this.show();
        reject(this.refusal('timeout'));
      });
      const entry: Waiting = { begin: resolve, timer };
      this.waiting.add(entry);
      this.show();
    });
  }

  private leave(): void {
    const [next] = this.waiting;
    if (next) {
      this.waiting.delete(next);
      next.timer.cancel();
      next.begin();
    } else {
      this.running -= 1;
    }
    this.show();
  }

  private refusal(reason: 'full' | 'timeout'): OverloadedError {
    this.metrics.passwordHashRefusals.inc({ reason });
    return new OverloadedError(LONGEST_WAIT_MS);
  }

  private show(): void {
    this.metrics.passwordHashesRunning.set(this.running);
    this.metrics.passwordHashesWaiting.set(this.waiting.size);
  }
}
