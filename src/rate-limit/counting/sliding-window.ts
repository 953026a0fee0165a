import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { LimitOutcome } from './outcome.js';

/**
 * The sliding-window counter, pure: two counters per subject, one of the present window and one of the last,
 * of which as much counts as still lies within one window's length from now (Cloudflare, "How we built rate
 * limiting capable of scaling to millions of domains", 2017). A subject's windows begin with its first unit after a
 * rest, so a burst lies at the beginning of one, and no edge that everybody knows gives away two quotas.
 *
 * It takes the units of the last window to be spread evenly. In any window at most the quota passes, and beyond it no
 * more than what the last window held, times the share of the present one that is over, if all of it came late: less
 * than two quotas for who begins a window, waits and strikes at its end; one quota for a flood.
 *
 * Twin of the `window` branches of scripts/decide.lua; both run the same vectors.
 */

export interface WindowCounts {
  readonly current: number;
  readonly previous: number;
  /** Since the present window began, microseconds. */
  readonly elapsedUs: number;
}

type Window = Pick<CompiledLimit, 'periodUs' | 'capacity'>;

/** Units that count now; a fraction, because the last window fades out. */
export function usedOf({ current, previous, elapsedUs }: WindowCounts, { periodUs }: Window): number {
  return current + (previous * (periodUs - elapsedUs)) / periodUs;
}

/** @returns the counts after a refund: of the present window first, the rest of the last one */
export function refundedCounts(counts: WindowCounts, cost: number): WindowCounts {
  const left = counts.current - cost;
  if (left >= 0) return { ...counts, current: left };
  return { ...counts, current: 0, previous: Math.max(0, counts.previous + left) };
}

export function windowOutcome(
  counts: WindowCounts,
  limit: Window,
  cost: number,
  denied: boolean,
): LimitOutcome {
  const { current, previous, elapsedUs } = counts;
  const { periodUs, capacity } = limit;
  const remaining = Math.max(0, Math.floor(capacity - usedOf(counts, limit)));
  const endUs = periodUs - elapsedUs;
  const resetUs = current > 0 ? endUs + periodUs : previous > 0 ? endUs : 0;
  return { remaining, resetUs, waitUs: denied ? waitOf(counts, limit, cost) : 0 };
}

/** The last window fades out evenly; when that is not enough, the present one does the same after its end. */
function waitOf(counts: WindowCounts, limit: Window, cost: number): number {
  const { periodUs, capacity } = limit;
  if (cost > capacity) return -1;
  const { current, previous, elapsedUs } = counts;
  const fading = current + cost <= capacity;
  const [kept, counted, startUs] = fading
    ? [current, previous, -elapsedUs]
    : [0, current, periodUs - elapsedUs];
  const room = capacity - kept - cost;
  if (counted <= room) return Math.max(0, startUs);
  const fitsAt = (atUs: number): boolean =>
    usedOf({ current: kept, previous: counted, elapsedUs: atUs }, limit) + cost <= capacity;
  const nearUs = periodUs - Math.floor((room * periodUs) / counted);
  // A division that was rounded up is a microsecond early.
  return Math.max(0, startUs + (fitsAt(nearUs) ? nearUs : nearUs + 1));
}
