/** What a limit grants: so much at once, and so much a second in the long run. */
export interface GrantedPace {
  readonly burst: number;
  readonly perSecond: number;
}

/** The window in which most was admitted, held against what it grants. */
export interface WorstWindow {
  /** Admitted over granted; 1 is as promised. */
  readonly share: number;
  readonly admitted: number;
  readonly granted: number;
  readonly lengthMs: number;
}

/** @param atMs when something was admitted, in order */
export function worstWindow(atMs: readonly number[], { burst, perSecond }: GrantedPace): WorstWindow {
  let worst: WorstWindow = { share: 0, admitted: 0, granted: burst, lengthMs: 0 };
  for (const [first, startMs] of atMs.entries()) {
    for (let last = first; last < atMs.length; last += 1) {
      const lengthMs = (atMs[last] as number) - startMs;
      const admitted = last - first + 1;
      const granted = burst + (perSecond * lengthMs) / 1000;
      if (admitted / granted > worst.share)
        worst = { share: admitted / granted, admitted, granted, lengthMs };
    }
  }
  return worst;
}
