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

  /** What the times of appends are measured by. */
  nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Counts and times an append. @returns milliseconds that it took */
  kept(outcome: AppendOutcome, startMs: number): number {
    this.results[resultOf(outcome)].inc();
    return this.timed(startMs);
  }

  /** As `kept`, of one that was not kept. */
  failed(error: unknown, startMs: number): number {
    this.results[error instanceof BillingEventRefusedError ? 'refused' : 'unavailable'].inc();
    return this.timed(startMs);
  }

  /** An entry that is not ours was passed over. */
  foreign(): void {
    this.metrics.billingForeignEntries.inc();
  }

  private timed(startMs: number): number {
    const ms = this.clock.monotonicMs() - startMs;
    this.seconds.observe(ms / 1000);
    return ms;
  }
}

function resultOf({ duplicate, stale }: AppendOutcome): Result {
  if (duplicate) return 'duplicate';
  return stale ? 'stale' : 'appended';
}
