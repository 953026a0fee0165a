import type { Decisions } from './decisions.js';
import { type Verdict, judge, missed } from './judgement.js';
import type { LatencyHistogram } from './latency-histogram.js';
import type { Thresholds } from './options.js';
import type { StepResult } from './run-step.js';
import type { Counts } from './tally.js';

/** One rate held for one time, as it stands in the JSON file. Times in the unit of their name. */
export interface StepDocument {
  readonly ratePerSecond: number;
  readonly durationSeconds: number;
  readonly elapsedSeconds: number;
  readonly clients: {
    readonly count: number;
    readonly perMinuteEach: number;
    readonly limitPerMinute: number;
    readonly insideLimits: boolean;
  };
  readonly counts: Counts;
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  /** From the planned start; null while nothing was measured. */
  readonly latencyMs: Percentiles;
  /** How late the driver itself started requests. */
  readonly startDelayMs: Percentiles;
  readonly decisions: Decisions;
  readonly verdicts: readonly Verdict[];
  readonly passed: boolean;
}

export type Percentiles = Readonly<Record<'p50' | 'p90' | 'p95' | 'p99' | 'max', number | null>>;

export function stepDocument(result: StepResult, thresholds: Thresholds): StepDocument {
  const { step, tally, decisions, elapsedSeconds } = result;
  const { count, perMinuteEach, limitPerMinute, insideLimits } = step.clients;
  const counts = tally.counts();
  const p95Ms = tally.latency.percentileMs(95);
  const verdicts = judge({ counts, p95Ms, clients: step.clients, decisions }, thresholds);
  return {
    ratePerSecond: step.ratePerSecond,
    durationSeconds: step.durationSeconds,
    elapsedSeconds,
    clients: { count, perMinuteEach, limitPerMinute, insideLimits },
    counts,
    statuses: Object.fromEntries(tally.statuses),
    failures: Object.fromEntries(tally.failures),
    latencyMs: percentilesOf(tally.latency),
    startDelayMs: percentilesOf(tally.startDelay),
    decisions,
    verdicts,
    passed: missed(verdicts, thresholds.strict).length === 0,
  };
}

function percentilesOf(histogram: LatencyHistogram): Percentiles {
  return {
    p50: histogram.percentileMs(50) ?? null,
    p90: histogram.percentileMs(90) ?? null,
    p95: histogram.percentileMs(95) ?? null,
    p99: histogram.percentileMs(99) ?? null,
    max: histogram.maxMs ?? null,
  };
}
