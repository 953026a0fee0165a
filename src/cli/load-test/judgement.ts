import type { Clients } from './clients.js';
import type { Decisions } from './decisions.js';
import type { Thresholds } from './options.js';
import type { Counts } from './tally.js';

export interface Measured {
  readonly counts: Counts;
  /** Milliseconds; undefined when nothing was answered or given up. */
  readonly p95Ms: number | undefined;
  readonly clients: Pick<Clients, 'insideLimits' | 'limitPerMinute' | 'perMinuteEach'>;
  readonly decisions: Decisions;
}

export type ThresholdName = 'p95' | '5xx' | '429' | 'other' | 'backend';

export interface Verdict {
  readonly threshold: ThresholdName;
  readonly unit: 'ms' | '%';
  /** What the measured value must stay below; for the backend, what it must reach. */
  readonly limit: number;
  readonly measured: number | null;
  readonly outcome: 'pass' | 'fail' | 'not-provable' | 'not-judged';
  readonly why?: string;
}

/** Backends that are Redis: itself, and its own denials remembered in the process. */
const REDIS_BACKENDS: ReadonlySet<string> = new Set(['redis', 'cache']);

/** Holds one run against the thresholds. */
export function judge(measured: Measured, thresholds: Thresholds): readonly Verdict[] {
  return [
    judgeP95(measured, thresholds),
    judgeErrors(measured, thresholds),
    judgeLimited(measured, thresholds),
    judgeOther(measured),
    judgeBackend(measured),
  ];
}

/** @param strict whether what cannot be proven is missed */
export function missed(verdicts: readonly Verdict[], strict: boolean): readonly Verdict[] {
  return verdicts.filter(({ outcome }) => outcome === 'fail' || (strict && outcome === 'not-provable'));
}

function judgeP95({ p95Ms, counts }: Measured, thresholds: Thresholds): Verdict {
  const row = { threshold: 'p95', unit: 'ms', limit: thresholds.p95Ms } as const;
  if (p95Ms === undefined)
    return {
      ...row,
      measured: null,
      outcome: 'fail',
      why: counts.limited > 0 ? 'every answer was 429' : 'there was no answer',
    };
  return { ...row, measured: p95Ms, outcome: p95Ms < thresholds.p95Ms ? 'pass' : 'fail' };
}

function judgeErrors({ counts }: Measured, thresholds: Thresholds): Verdict {
  const percent = percentOf(counts.serverErrors + counts.unanswered, counts.requests);
  return {
    threshold: '5xx',
    unit: '%',
    limit: thresholds.errorPercent,
    measured: percent,
    outcome: below(percent, thresholds.errorPercent),
    ...(counts.unanswered === 0 ? {} : { why: `${counts.unanswered} without an answer are in it` }),
  };
}

function judgeLimited({ counts, clients }: Measured, thresholds: Thresholds): Verdict {
  const percent = percentOf(counts.limited, counts.requests);
  const row = { threshold: '429', unit: '%', limit: thresholds.limitedPercent, measured: percent } as const;
  if (clients.insideLimits) return { ...row, outcome: below(percent, thresholds.limitedPercent) };
  const each = Math.round(clients.perMinuteEach);
  return {
    ...row,
    outcome: 'not-judged',
    why: `each address sent ${each} a minute and may send ${clients.limitPerMinute}: 429 above that is as it should be`,
  };
}

/** Anything else means that something else than the limiter was measured: a redirect, a refused token. */
function judgeOther({ counts }: Measured): Verdict {
  const percent = percentOf(counts.other, counts.requests);
  const outcome = counts.other === 0 ? 'pass' : 'fail';
  return { threshold: 'other', unit: '%', limit: 0, measured: percent, outcome };
}

function judgeBackend({ counts, decisions }: Measured): Verdict {
  const row = { threshold: 'backend', unit: '%', limit: 100 } as const;
  const unproven = (why: string): Verdict => ({ ...row, measured: null, outcome: 'not-provable', why });
  if ('unprovable' in decisions) return unproven(decisions.unprovable);
  const entries = Object.entries(decisions.byBackend);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  const others = entries.filter(([backend]) => !REDIS_BACKENDS.has(backend));
  if (total === 0) return unproven('no rate-limit decision was counted: does the path have a limit?');
  const elsewhere = others.reduce((sum, [, count]) => sum + count, 0);
  const percent = percentOf(total - elsewhere, total);
  // Decided elsewhere is decided elsewhere, however little of the rest can be seen.
  if (elsewhere > 0)
    return {
      ...row,
      measured: percent,
      outcome: 'fail',
      why: `decided by ${others.map(([backend, count]) => `${backend}: ${count}`).join(', ')}`,
    };
  const answers = counts.good + counts.limited;
  if (total < answers)
    return unproven(
      `${total} decisions were counted for ${answers} answers: do several instances share the address?`,
    );
  return { ...row, measured: percent, outcome: 'pass' };
}

/** Nothing at all keeps every threshold, zero included. */
function below(percent: number, limit: number): 'pass' | 'fail' {
  return percent < limit || percent === 0 ? 'pass' : 'fail';
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part * 100) / whole;
}
