/**
 * The generic cell rate algorithm, pure. State is one integer per key: the theoretical arrival time (TAT), the
 * moment at which everything spent so far will have been earned back. Spending moves it ahead by the cost; it
 * may be ahead of now by a burst at most. There is no window, hence no edge at which two windows' worth passes.
 *
 * Twin of scripts/gcra.lua, line by line: the in-process backend runs this one, and both run the same vectors.
 * All numbers are integers below 2^53, so that Lua's doubles and these give the same result.
 */

export interface GcraLimit {
  /** Microseconds in which one unit is earned back. */
  readonly intervalUs: number;
  /** Units that may be spent at once. */
  readonly burst: number;
  /** Units that this call spends. */
  readonly cost: number;
}

export interface LimitOutcome {
  /** Units left: after the spending, or untouched when the call was denied. */
  readonly remaining: number;
  /** Until the limit is full again. */
  readonly resetUs: number;
  /** Until the cost fits; 0: it fits now, -1: it never will, because it exceeds the burst. */
  readonly waitUs: number;
}

/** How limits are spent and answered: the reply of the script, and of its twin. */
export interface Spending {
  /** Every limit fits. Otherwise nothing was spent on any. */
  readonly allowed: boolean;
  /** In the order of the limits. */
  readonly outcomes: readonly LimitOutcome[];
}

export interface KeyedLimit extends GcraLimit {
  readonly key: string;
}

/**
 * @param storedUs TAT of a key; undefined: unknown
 * @returns what was decided, and the new TAT of each limit, to be stored only when allowed
 */
export function spend(
  nowUs: number,
  limits: readonly KeyedLimit[],
  storedUs: (key: string) => number | undefined,
): Spending & { readonly tatsUs: readonly number[] } {
  const pending = new Map<string, number>();
  const steps = limits.map((limit) => {
    const stored = pending.get(limit.key) ?? storedUs(limit.key) ?? nowUs;
    const step = advance(nowUs, stored, limit);
    pending.set(limit.key, step.spentUs);
    return { limit, ...step };
  });
  const allowed = steps.every(({ waitUs }) => waitUs === 0);
  const outcomes = steps.map(({ limit, tatUs, spentUs, waitUs }) => {
    const tat = allowed ? spentUs : tatUs;
    const room = nowUs + capacityUs(limit) - tat;
    return { remaining: Math.floor(room / limit.intervalUs), resetUs: tat - nowUs, waitUs };
  });
  return { allowed, outcomes, tatsUs: steps.map(({ spentUs }) => spentUs) };
}

export function capacityUs(limit: Pick<GcraLimit, 'intervalUs' | 'burst'>): number {
  return limit.intervalUs * limit.burst;
}

function advance(nowUs: number, storedUs: number, limit: GcraLimit) {
  const capacity = capacityUs(limit);
  // Never further ahead than a spent burst: a clock that was set back must not lock anybody out.
  const tatUs = Math.min(Math.max(storedUs, nowUs), nowUs + capacity);
  const spentUs = tatUs + limit.intervalUs * limit.cost;
  const waitUs = limit.cost > limit.burst ? -1 : Math.max(spentUs - capacity - nowUs, 0);
  return { tatUs, spentUs, waitUs };
}
