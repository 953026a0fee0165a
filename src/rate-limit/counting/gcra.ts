import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { LimitOutcome } from './outcome.js';

/**
 * The generic cell rate algorithm (ITU-T I.371), pure. State is one number: how far the theoretical arrival time,
 * at which everything spent will have been earned back, lies ahead of now. There is no window, hence no edge at
 * which two windows' worth passes.
 *
 * Twin of the `rate` branches of scripts/decide.lua; both run the same vectors. Everything is an integer below
 * 2^53, so that Lua's doubles and these give the same result.
 */

type Rate = Pick<CompiledLimit, 'periodUs' | 'capacity'>;

/** @returns the state after the cost; it does not fit when that exceeds the capacity */
export function spent(aheadUs: number, limit: Rate, cost: number): number {
  return Math.min(aheadUs, limit.capacity) + limit.periodUs * cost;
}

export function refunded(aheadUs: number, limit: Rate, cost: number): number {
  return Math.max(0, aheadUs - limit.periodUs * cost);
}

export function rateOutcome(aheadUs: number, limit: Rate, cost: number, denied: boolean): LimitOutcome {
  const { periodUs, capacity } = limit;
  const remaining = Math.max(0, Math.floor((capacity - aheadUs) / periodUs));
  if (!denied) return { remaining, resetUs: aheadUs, waitUs: 0 };
  const price = periodUs * cost;
  const waitUs = price > capacity ? -1 : Math.max(0, aheadUs + price - capacity);
  return { remaining, resetUs: aheadUs, waitUs };
}
