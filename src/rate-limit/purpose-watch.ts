import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type { PurposeStatus, RedisStatus } from '../redis/index.js';

/**
 * Follows the state of the purpose that counts. It never probes: the state comes back by itself, and the next decision
 * is Redis's again.
 */
export class PurposeWatch implements OnModuleInit, OnApplicationShutdown {
  private latest: PurposeStatus | undefined;
  private subscription: Subscription | undefined;
  private readonly returned: (() => void)[] = [];
  private readonly left: (() => void)[] = [];

  /** @param status undefined: this process counts by choice, so that nothing can be lost */
  constructor(
    private readonly status: RedisStatus | undefined,
    private readonly purpose: string,
  ) {}

  /** Calls `run` whenever the purpose is up again, the first time included. */
  onReturn(run: () => void): void {
    this.returned.push(run);
  }

  /** Calls `run` whenever the purpose was up and is lost. */
  onLoss(run: () => void): void {
    this.left.push(run);
  }

  /** Why Redis cannot be asked now; undefined: it can. */
  readonly lost = (): string | undefined =>
    !this.status || this.latest?.state === 'up' ? undefined : (this.latest?.reason ?? 'other');

  /** Whether there is a Redis and any sense in asking it now. */
  readonly reachable = (): boolean => this.status !== undefined && this.lost() === undefined;

  /** Whether the purpose answers 503 while it is away, instead of being substituted. */
  readonly closed = (): boolean => this.latest?.outage === 'closed';

  /** Wall clock, milliseconds, of the last change between up and lost; undefined: there was none. */
  readonly sinceMs = (): number | undefined => this.latest?.sinceMs;

  onModuleInit(): void {
    this.subscription = this.status?.changes(this.purpose).subscribe((next) => {
      const [was, is] = [this.latest?.state === 'up', next.state === 'up'];
      this.latest = next;
      if (was !== is) for (const run of is ? this.returned : this.left) run();
    });
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
  }
}
