import type { Meter } from './meter.js';

/** What an instance may grant too much, all others together, because it does not know what they granted: of a burst. */
const TOO_MUCH = 0.1;

export interface UnknownPast {
  /** Instances that share the limit, this one included. */
  readonly instances: number;
  /** From 0, where the last that was heard is new, to 1, where it says nothing. */
  readonly doubt: number;
  /** When Redis was lost, and now; monotonic microseconds. */
  readonly sinceUs: number;
  readonly nowUs: number;
}

/**
 * Before a subject is counted here of which nothing was heard lately: others may have granted it a whole burst just
 * before Redis was lost. If every instance took it for untouched, a fleet would grant nearly another one. So it begins
 * as if all but a tenth had been granted then, of which as much is earned back by now as would be by then; but never
 * with less than one unit.
 */
export function assumePast(meter: Meter, { instances, doubt, sinceUs, nowUs }: UnknownPast): void {
  if (instances === 1) return;
  const { kind, capacity, periodUs, burst } = meter.limit;
  const others = instances - 1;
  const spent = Math.max(0, 1 - (TOO_MUCH * instances) / others);
  const share = Math.min(1, Math.max(1 - spent, instances / burst));
  const most = doubt * capacity * (1 - share);
  const passedUs = nowUs - sinceUs;
  const assumed = meter.copy();
  if (kind === 'rate') assumed.setAhead(Math.floor(most) - passedUs, nowUs);
  else {
    // As the last window, so that it fades out.
    const previous = Math.floor(most * Math.max(0, 1 - passedUs / periodUs));
    assumed.setCounts({ current: 0, previous, elapsedUs: 0 }, nowUs);
  }
  meter.raiseTo(assumed, nowUs);
}
