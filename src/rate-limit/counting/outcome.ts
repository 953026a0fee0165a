/** How one limit of a decision stands. Durations are microseconds. */
export interface LimitOutcome {
  /** Units left: after the decision, or untouched when it was denied. */
  readonly remaining: number;
  /** Until the limit is full again. */
  readonly resetUs: number;
  /** Until the cost fits; 0: it fits now, -1: it never will, because it exceeds the limit. */
  readonly waitUs: number;
}

/** Of a limit that lets nobody pass uncounted, while nobody can count. */
export const UNAVAILABLE: LimitOutcome = { remaining: 0, resetUs: 0, waitUs: 1_000_000 };

/** What is done to a set of limits, together. Numbers, because the script is told them as bytes. */
export const OPERATION = {
  /** Takes the cost from every limit, or from none. */
  spend: 0,
  /** Answers what a spend would, and takes nothing. */
  peek: 1,
  /** Gives the cost back; a limit is never more than full. */
  refund: 2,
  /** Takes the cost whatever is left; a limit is never less than empty. For a cost that is known afterwards. */
  charge: 3,
  /** Makes every limit full. */
  reset: 4,
  /** At least the cost is spent. Done twice it changes nothing more: for what a server may have forgotten. */
  raise: 5,
} as const;
export type Operation = (typeof OPERATION)[keyof typeof OPERATION];

/** Units: the same of every limit, or one number for each. */
export type Cost = number | readonly number[];

export function unitsOf(cost: Cost, at: number): number {
  return typeof cost === 'number' ? cost : (cost[at] as number);
}
