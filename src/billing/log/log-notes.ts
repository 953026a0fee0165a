import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { CLOCK, type CountSeries, type HistogramObserver, Metrics } from '../../telemetry/index.js';
import { BillingEventRefusedError } from './billing-log.errors.js';
import type { AppendOutcome } from './log-scripts.js';

type Result = 'appended' | 'stale' | 'duplicate' | 'refused' | 'unavailable';

/** What is counted of the log. */
@Injectable()
export class LogNotes {
  private readonly results: Readonly<Record<Result, CountSeries>>;
  private readonly seconds: HistogramObserver;

  constructor(
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const of = (result: Result): CountSeries => metrics.billingAppends.child({ result });
    this.results = {
      appended: of('appended'),
      stale: of('stale'),
      duplicate: of('duplicate'),
      refused: of('refused'),
      unavailable: of('unavailable'),
    };
    this.seconds = metrics.billingAppend.child({});
  }

  /** Counts and times an append; throws what it throws. */
  async append(work: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    const startMs = this.clock.monotonicMs();
    try {
      const outcome = await work();
      this.results[resultOf(outcome)].inc();
      return outcome;
    } catch (error) {
      this.results[error instanceof BillingEventRefusedError ? 'refused' : 'unavailable'].inc();
      throw error;
    } finally {
      this.seconds.observe((this.clock.monotonicMs() - startMs) / 1000);
    }
  }

  /** An entry that is not ours was passed over. */
  foreign(): void {
    this.metrics.billingForeignEntries.inc();
  }
}

function resultOf({ duplicate, stale }: AppendOutcome): Result {
  if (duplicate) return 'duplicate';
  return stale ? 'stale' : 'appended';
}
