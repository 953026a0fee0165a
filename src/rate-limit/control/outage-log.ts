import type { Logger } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import type { RepeatGuard } from '../../telemetry/index.js';

export interface OutageLogOptions {
  readonly logger: Pick<Logger, 'log' | 'warn' | 'error'>;
  readonly clock: Clock;
  /** One line per interval, whatever comes. */
  readonly warnings: RepeatGuard;
  /** Instances that share the limits, this one included. */
  readonly instances: () => number;
}

/** What the log says about decisions that had to be made without Redis: that they are, at most once per interval, and how many they were. */
export class OutageLog {
  /** Since Redis was lost. */
  private decisions = 0;
  private sinceMs: number;
  /** Until Redis has been there once it counts as lost. */
  private away = true;

  constructor(private readonly options: OutageLogOptions) {
    this.sinceMs = options.clock.monotonicMs();
  }

  /** Redis has been lost. */
  left(): void {
    this.away = true;
    this.sinceMs = this.options.clock.monotonicMs();
  }

  /** @param error why Redis, when it was asked, did not answer; unset: it was not asked */
  substituted(reason: string, error?: Error): void {
    const { warnings, instances, logger } = this.options;
    // Redis is there and was not asked: what is denied until all instances have told it what they granted meanwhile.
    if (!this.away && !error) return;
    // One call that fails while Redis is there is no outage.
    if (this.away) this.decisions += 1;
    warnings.once('local', (suppressed) => {
      const count = instances();
      const share = Math.round(1e4 / count) / 1e4;
      logger.warn(`Redis does not count rate limits now (${reason}): this instance does, one of ${count}`, {
        reason,
        instances: count,
        share,
        suppressed,
      });
    });
    if (error && (reason === 'other' || reason === 'noperm'))
      warnings.once('refused', () => logger.error(`Counting in memory: ${error.message}`));
  }

  /** Redis counts from now on, for the first time or again. */
  returned(): void {
    const { decisions } = this;
    const away_ms = Math.round(this.options.clock.monotonicMs() - this.sinceMs);
    this.away = false;
    this.decisions = 0;
    const fields = decisions === 0 ? [] : [{ local_decisions: decisions, away_ms }];
    this.options.logger.log('Redis rate limiting backend connected', ...fields);
  }
}
