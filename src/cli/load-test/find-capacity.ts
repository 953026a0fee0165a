/** Each step has half as much again as the one before it. */
export const STEP_FACTOR = 1.5;

export interface Ramp {
  readonly firstRate: number;
  readonly maxRate: number;
  readonly durationSeconds: number;
  /** Of all steps together, as are the seconds. */
  readonly mostRequests: number;
  readonly mostSeconds: number;
}

export interface Capacity<Outcome> {
  readonly steps: readonly Outcome[];
  /** The highest rate at which every threshold held, per second. */
  readonly lastGood: Outcome | undefined;
  /** The first one at which one was missed; undefined when the search ended before that. */
  readonly broken: Outcome | undefined;
  readonly endedBy: 'threshold' | 'max-rate' | 'bounds' | 'stop';
}

/**
 * Raises the rate until a threshold breaks.
 *
 * @param step holds one rate; undefined when it was stopped
 */
export async function findCapacity<Outcome extends { readonly passed: boolean }>(
  ramp: Ramp,
  step: (ratePerSecond: number) => Promise<Outcome | undefined>,
): Promise<Capacity<Outcome>> {
  const steps: Outcome[] = [];
  let lastGood: Outcome | undefined;
  let requests = 0;
  let seconds = 0;
  for (let rate = ramp.firstRate; ; rate = Math.min(rate * STEP_FACTOR, ramp.maxRate)) {
    requests += rate * ramp.durationSeconds;
    seconds += ramp.durationSeconds;
    if (requests > ramp.mostRequests || seconds > ramp.mostSeconds)
      return { steps, lastGood, broken: undefined, endedBy: 'bounds' };
    const outcome = await step(rate);
    if (!outcome) return { steps, lastGood, broken: undefined, endedBy: 'stop' };
    steps.push(outcome);
    if (!outcome.passed) return { steps, lastGood, broken: outcome, endedBy: 'threshold' };
    lastGood = outcome;
    if (rate >= ramp.maxRate) return { steps, lastGood, broken: undefined, endedBy: 'max-rate' };
  }
}
