import type { Answer } from './http-driver.js';
import { LatencyHistogram } from './latency-histogram.js';

/** What became of the requests of one run. Its size does not depend on their number. */
export class Tally {
  /** From the planned start to the last byte; answers with 429 are not in it, for a quick denial is no speed. */
  readonly latency = new LatencyHistogram();
  /** How late this process started requests that nothing held back. */
  readonly startDelay = new LatencyHistogram();
  readonly statuses = new Map<number, number>();
  /** Requests without an answer, by cause. */
  readonly failures = new Map<string, number>();

  record(answer: Answer, latencyMs: number): void {
    if ('failure' in answer) this.fail(answer.failure, latencyMs);
    else {
      this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
      if (answer.status !== 429) this.latency.record(latencyMs);
    }
  }

  /** A request without an answer counts with the time after which it was given up. */
  fail(cause: string, latencyMs: number): void {
    this.failures.set(cause, (this.failures.get(cause) ?? 0) + 1);
    this.latency.record(latencyMs);
  }

  counts(): Counts {
    const sum = (matches: (status: number) => boolean) =>
      [...this.statuses].reduce((total, [status, count]) => total + (matches(status) ? count : 0), 0);
    const unanswered = [...this.failures.values()].reduce((total, count) => total + count, 0);
    const answered = sum(() => true);
    const good = sum((status) => status >= 200 && status < 300);
    const limited = sum((status) => status === 429);
    const serverErrors = sum((status) => status >= 500);
    return {
      requests: answered + unanswered,
      answered,
      good,
      limited,
      serverErrors,
      unanswered,
      other: answered - good - limited - serverErrors,
    };
  }
}

export interface Counts {
  readonly requests: number;
  readonly answered: number;
  /** 2xx. */
  readonly good: number;
  /** 429. */
  readonly limited: number;
  /** 5xx. */
  readonly serverErrors: number;
  readonly unanswered: number;
  /** Everything else, redirects and 401 for instance: not what the test is about. */
  readonly other: number;
}
