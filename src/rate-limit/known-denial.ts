import { outcomeOf } from './counting/local-counting.js';
import type { Meter } from './counting/meter.js';
import { type Cost, type LimitOutcome, unitsOf } from './counting/outcome.js';
import type { Decider } from './decider.js';
import type { Grounds } from './decision.js';
import type { Held } from './held.js';

/** What is known of a denial when it is made. */
export interface DenialParts {
  readonly decider: Pick<Decider, 'trusts'>;
  readonly denier: Meter;
  readonly cost: Cost;
  readonly nowMs: number;
  /** Every limit that applies, the one that denies among them. */
  readonly meters: () => readonly Meter[];
}

/** What is denied before Redis is asked, by the limit at that place. */
export interface ForeseenDenial {
  readonly meters: readonly Meter[];
  readonly at: number;
  readonly cost: Cost;
  /** What was spent of the same request before. */
  readonly held?: Held | undefined;
}

/**
 * A denial of Redis that still holds. A flood gets nothing else, and nobody looks at most of it, so whatever is more
 * than the limit that denies is worked out when it is asked for.
 */
export class KnownDenial implements Grounds {
  readonly allowed = false;
  readonly backend = 'cache';
  readonly degraded = false;
  private all: readonly Meter[] | undefined;
  private found: readonly LimitOutcome[] | undefined;

  constructor(private readonly parts: DenialParts) {}

  static foreseen(decider: Decider, { meters, at, cost, held }: ForeseenDenial, nowMs: number): KnownDenial {
    // What was held is known here as spent, and denies nothing: it is being given back.
    const trusts = (meter: Meter): boolean => !held?.check.meters.includes(meter) && decider.trusts(meter);
    const denier = meters[at] as Meter;
    return new KnownDenial({
      decider: held ? { trusts } : decider,
      denier,
      cost,
      nowMs,
      meters: () => meters,
    });
  }

  get meters(): readonly Meter[] {
    return (this.all ??= this.parts.meters());
  }

  get outcomes(): readonly LimitOutcome[] {
    return (this.found ??= this.meters.map((meter, at) => this.outcome(meter, at)));
  }

  private outcome(meter: Meter, at: number): LimitOutcome {
    const { decider, denier, cost, nowMs } = this.parts;
    const denies = meter === denier || decider.trusts(meter);
    const outcome = outcomeOf(meter, unitsOf(cost, at), denies, Math.floor(nowMs * 1000));
    // Should the limit have been filled up in the meantime, then this was a denial all the same.
    return meter === denier && outcome.waitUs === 0 ? { ...outcome, waitUs: 1 } : outcome;
  }
}
