import type { CompiledLimit } from '../policies/compiled-limit.js';
import { rateOutcome, refunded, spent } from './gcra.js';
import type { Meter } from './meter.js';
import { type Cost, type LimitOutcome, OPERATION, type Operation, unitsOf } from './outcome.js';
import { type WindowCounts, refundedCounts, usedOf, windowOutcome } from './sliding-window.js';

/** All limits, or none of them. */
export interface LocalDecision {
  readonly allowed: boolean;
  readonly outcomes: readonly LimitOutcome[];
}

export interface LocalQuestion {
  readonly operation: Operation;
  readonly meters: readonly Meter[];
  readonly cost: Cost;
  /** Instances that count beside this one, this one included. */
  readonly instances: number;
  readonly nowUs: number;
}

/**
 * Counts in this process. With n instances each unit counts n-fold: so each instance grants its share of the limit, and
 * goes on from the very state that Redis told it, which all of them share. A limit of fewer units than
 * there are instances still grants one unit at a time; of a rate the next one when that has been earned back n-fold.
 */
export function countLocally(question: LocalQuestion): LocalDecision {
  const { operation, meters, nowUs } = question;
  const undo: (() => void)[] = [];
  let allowed = true;
  for (const [at, meter] of meters.entries()) {
    const cost = shareOf(meter.limit, question, at);
    const fits =
      meter.limit.kind === 'rate'
        ? onRate(question, meter, cost, unitsOf(question.cost, at) * question.instances)
        : onWindow(question, meter, cost);
    if (fits === false) allowed = false;
    else if (fits) undo.push(fits);
  }
  if (!allowed && operation === OPERATION.spend) for (const back of undo.reverse()) back();
  const outcomes = meters.map((meter, at) =>
    outcomeOf(meter, shareOf(meter.limit, question, at), !allowed, nowUs),
  );
  return { allowed, outcomes: outcomes.map((one) => perInstance(one, question)) };
}

/** Whether the cost fits by what is known of the limit here. */
export function fits(meter: Meter, cost: number, nowUs: number): boolean {
  const { limit } = meter;
  if (limit.kind === 'window') return usedOf(meter.counts(nowUs), limit) + cost <= limit.capacity;
  return spent(meter.aheadUs(nowUs), limit, cost) <= limit.capacity;
}

/** How a limit stands, without asking anybody. */
export function outcomeOf(meter: Meter, cost: number, denied: boolean, nowUs: number): LimitOutcome {
  const { limit } = meter;
  if (limit.kind === 'window') return windowOutcome(meter.counts(nowUs), limit, cost, denied);
  return rateOutcome(meter.aheadUs(nowUs), limit, cost, denied);
}

function shareOf(limit: CompiledLimit, { cost: costs, instances }: LocalQuestion, at: number): number {
  const cost = unitsOf(costs, at);
  if (instances === 1) return cost;
  const most = limit.kind === 'rate' ? limit.burst : limit.quota;
  return cost > most ? cost : Math.min(cost * instances, most);
}

function perInstance(outcome: LimitOutcome, { instances }: LocalQuestion): LimitOutcome {
  return instances === 1 ? outcome : { ...outcome, remaining: Math.floor(outcome.remaining / instances) };
}

/** @returns false where the cost does not fit, else how to take it back, if anything changed */
type Applied = false | undefined | (() => void);

/** @param units what is counted: of a limit of fewer units than there are instances more than the share that has to fit */
function onRate({ operation, nowUs }: LocalQuestion, meter: Meter, share: number, units: number): Applied {
  const { limit } = meter;
  const before = meter.aheadUs(nowUs);
  if (operation <= OPERATION.peek && spent(before, limit, share) > limit.capacity) return false;
  if (operation === OPERATION.peek) return undefined;
  meter.setAhead(aheadAfter(operation, before, units, limit), nowUs);
  return () => meter.setAhead(before, nowUs);
}

function aheadAfter(operation: Operation, before: number, units: number, limit: CompiledLimit): number {
  const price = limit.periodUs * units;
  switch (operation) {
    case OPERATION.spend:
      return before + price;
    case OPERATION.refund:
      return refunded(before, limit, units);
    case OPERATION.charge:
      return Math.max(before, Math.min(before + price, limit.capacity));
    case OPERATION.raise:
      return Math.max(before, Math.min(price, limit.capacity));
    default:
      return 0;
  }
}

function onWindow({ operation, nowUs }: LocalQuestion, meter: Meter, cost: number): Applied {
  const { limit } = meter;
  const before = meter.counts(nowUs);
  if (operation <= OPERATION.peek && usedOf(before, limit) + cost > limit.capacity) return false;
  if (operation === OPERATION.peek) return undefined;
  meter.setCounts(countsAfter(operation, before, cost, limit), nowUs);
  return () => meter.setCounts(before, nowUs);
}

function countsAfter(
  operation: Operation,
  before: WindowCounts,
  cost: number,
  limit: CompiledLimit,
): WindowCounts {
  const plus = (units: number) => ({ ...before, current: Math.min(before.current + units, limit.capacity) });
  switch (operation) {
    case OPERATION.refund:
      return refundedCounts(before, cost);
    case OPERATION.raise:
      return plus(Math.max(0, Math.ceil(cost - usedOf(before, limit))));
    case OPERATION.reset:
      return { ...before, current: 0, previous: 0 };
    default:
      return plus(cost);
  }
}
