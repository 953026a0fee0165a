import type { Check } from './check.js';
import type { SubjectTexts } from './check-subjects.js';
import type { Meter } from './counting/meter.js';
import { type Cost, type LimitOutcome, unitsOf } from './counting/outcome.js';
import { RateLimitDecision } from './decision.js';
import type { Request } from './request.js';
import type { Plan } from './policies/plan.js';

/** What was spent of a request before all that counts was known, or the denial of it. */
export interface Held {
  /** Where it is no denial, what it names is spent. */
  readonly decision: RateLimitDecision;
  /** What was asked: limits, units and where they are counted. */
  readonly check: Check;
  readonly plan: Plan;
  readonly values: SubjectTexts;
  readonly request: Request;
}

/** Limits, and what they are asked for. */
export interface Asked {
  readonly meters: readonly Meter[];
  readonly cost: Cost;
  readonly inRedis: boolean;
}

/**
 * What has still to be asked where what is held stays spent, which it may when it is just what the request would spend of
 * those limits, counted in the same place and as promised.
 *
 * @returns undefined where it has to be given back
 */
export function notHeld({ decision, check }: Held, { meters, cost, inRedis }: Asked): Asked | undefined {
  if (decision.degraded || check.inRedis !== inRedis) return undefined;
  const rest: Meter[] = [];
  const units: number[] = [];
  let found = 0;
  for (let at = 0; at < meters.length; at += 1) {
    const meter = meters[at] as Meter;
    if (meter !== check.meters[found]) {
      rest.push(meter);
      units.push(unitsOf(cost, at));
    } else if (unitsOf(check.cost, found) === unitsOf(cost, at)) found += 1;
    else return undefined;
  }
  // One that does not apply any more: an operator has made its subject free of it.
  if (found < check.meters.length) return undefined;
  return { meters: rest, cost: typeof cost === 'number' ? cost : units, inRedis };
}

/** The decision about all limits of a request: what was held of it, and what was allowed besides. */
export function withHeld({ decision, check }: Held, meters: readonly Meter[], rest: RateLimitDecision) {
  const outcomes: LimitOutcome[] = [];
  let [held, asked] = [0, 0];
  for (const meter of meters) {
    const known = meter === check.meters[held];
    outcomes.push((known ? decision.outcomes[held++] : rest.outcomes[asked++]) as LimitOutcome);
  }
  const { allowed, backend, degraded } = rest;
  return new RateLimitDecision({ meters, allowed, outcomes, backend, degraded });
}
