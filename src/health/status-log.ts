import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type Observable, Subscription, distinctUntilChanged } from 'rxjs';
import { Settings } from '../config/index.js';
import type { Clock, Timer } from '../kernel/time.js';
import { RedisStatus } from '../redis/index.js';
import { CLOCK, LogSettings, RepeatGuard } from '../telemetry/index.js';

/** A timer may fire a moment early, which the guard would take for a repetition. */
const SLACK_MS = 50;

/** What is said about a compartment. */
export interface WatchedCompartment {
  readonly purpose: string;
  readonly state: 'up' | 'degraded' | 'down';
  readonly reason?: string;
  readonly outage: string;
  readonly sinceMs: number;
}

export interface WatchedCompartments {
  all(): readonly WatchedCompartment[];
  of(purpose: string): WatchedCompartment;
  changes(purpose: string): Observable<WatchedCompartment>;
}

/**
 * Says what happens to the compartments: a line for every change of state, and a warning while one is lost, at
 * most once per interval and purpose. This is the only place that does; a line per failed request would bury
 * the log in the very minutes in which somebody reads it.
 */
@Injectable()
export class StatusLog implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Compartments');
  private readonly subscription = new Subscription();
  private readonly reminders = new Map<string, Timer>();
  private readonly guard: RepeatGuard;

  constructor(
    @Inject(RedisStatus) private readonly status: WatchedCompartments,
    private readonly profile: Settings,
    private readonly settings: LogSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.guard = new RepeatGuard(clock, settings.warnIntervalMs);
  }

  onApplicationBootstrap(): void {
    for (const { purpose } of this.status.all()) this.subscription.add(this.follow(purpose));
  }

  /** While shutting down, connections close because we close them. */
  onModuleDestroy(): void {
    this.subscription.unsubscribe();
    for (const timer of this.reminders.values()) timer.cancel();
    this.reminders.clear();
  }

  private follow(purpose: string): Subscription {
    let from: WatchedCompartment['state'] | undefined;
    return this.status
      .changes(purpose)
      .pipe(distinctUntilChanged((a, b) => a.state === b.state && a.reason === b.reason))
      .subscribe((row) => {
        if (row.state !== from) this.tellChange(from, row);
        else if (row.state !== 'up') this.logger.debug('Reason changed', { purpose, reason: row.reason });
        from = row.state;
      });
  }

  /** @param from undefined at the start, which has said already where each compartment is */
  private tellChange(
    from: WatchedCompartment['state'] | undefined,
    { purpose, state: to, reason }: WatchedCompartment,
  ): void {
    const why = reason === undefined ? {} : { reason };
    if (from) this.logger.log(`Compartment ${purpose}: ${from} -> ${to}`, { purpose, from, to, ...why });
    if (to !== 'up') this.warn(purpose);
  }

  private warn(purpose: string): void {
    const { state, reason, outage, sinceMs } = this.status.of(purpose);
    if (state === 'up') return;
    this.guard.once(purpose, (suppressed) => {
      const production = this.profile.profile === 'production';
      const text = `${production ? 'PRODUCTION DEGRADED' : 'Degraded'}: ${purpose} is ${state} (${reason ?? 'other'})`;
      const for_ms = Math.max(0, this.clock.nowMs() - sinceMs);
      const fields = { purpose, state, reason, outage, for_ms, suppressed };
      if (production) this.logger.error(text, fields);
      else this.logger.warn(text, fields);
    });
    this.reminders.get(purpose)?.cancel();
    this.reminders.set(
      purpose,
      this.clock.after(this.settings.warnIntervalMs + SLACK_MS, () => this.warn(purpose)),
    );
  }
}
