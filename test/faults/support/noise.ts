import type { Episode } from './episode.js';
import { NOTICEABLE_MS } from './stall-watch.js';

/** Share of the calls and answers of a spared compartment that a shared machine may delay past a budget. */
const SHARE = 0.02;
/** A server that got no processor for 100 ms: a call runs into its budget, and a probe later all is well again. */
const BLIP_MS = 400;

export interface Span {
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Whether the machine stood still for longer than the smallest budget: a time-out is then nobody's fault. */
export function stalled({ stallMs }: Pick<Episode, 'stallMs'>): boolean {
  return stallMs > NOTICEABLE_MS;
}

/**
 * Whether time-outs where nothing was wrong may be the machine's: a few, or one short moment. It is for the report
 * to see that this does not happen in many episodes, since then it would be no chance.
 */
export function byMachine(
  episode: Pick<Episode, 'stallMs'>,
  timedOut: readonly Span[],
  outOf: number,
): boolean {
  if (timedOut.length === 0 || stalled(episode) || timedOut.length <= outOf * SHARE) return true;
  const begin = Math.min(...timedOut.map(({ startedMs }) => startedMs));
  const end = Math.max(...timedOut.map(({ endedMs }) => endedMs));
  return end - begin <= BLIP_MS;
}
