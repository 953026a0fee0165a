import type { Meter } from './counting/meter.js';
import { type Cost, OPERATION, type Operation } from './counting/outcome.js';

/** What is asked of a plan. */
export interface Request {
  readonly operation: Operation;
  /** Units; 1 or more. */
  readonly cost: number;
  /** Units of the policies that cost something else, by name. */
  readonly costs?: ReadonlyMap<string, number>;
}

export const ONE_UNIT: Request = { operation: OPERATION.spend, cost: 1 };

/** What each of these limits is asked for. */
export function costOf(meters: readonly Meter[], { cost, costs }: Request): Cost {
  return costs ? meters.map(({ limit }) => costs.get(limit.policy) ?? cost) : cost;
}
