import { outcomeOf } from './counting/local-counting.js';
import type { Meter } from './counting/meter.js';
import { type Cost, type LimitOutcome, unitsOf } from './counting/outcome.js';
import type { Grounds } from './decision.js';

/** How all limits that apply stand, as far as the denial has to tell. */
export interface DenialSource {
  /** Every limit that applies, the one that denies among them. */
  readonly meters: readonly Meter[];
  readonly cost: Cost;
  /** Whether what is known of the meter is the word of Redis. */
  trusts(meter: Meter): boolean;
}

/**
 * A denial of Redis that still holds. A flood gets nothing else, and nobody looks at most of it, so whatever is more
 * than the limit that denies is worked out when it is asked for.
 */
export abstract class KnownDenial implements Grounds {
  private told: Told | undefined;

  /** @param nowMs when it was made */
  constructor(
    private readonly denier: Meter,
    private readonly nowMs: number,
  ) {}

  get allowed(): false {
    return false;
  }

  get backend(): 'cache' {
    return 'cache';
  }

  get degraded(): false {
    return false;
  }

  get meters(): readonly Meter[] {
    return (this.told ??= this.tell()).meters;
  }

  get outcomes(): readonly LimitOutcome[] {
    return (this.told ??= this.tell()).outcomes;
  }

  /** Called once, when somebody looks. */
  protected abstract source(): DenialSource;

  private tell(): Told {
    const source = this.source();
    const { meters } = source;
    return { meters, outcomes: meters.map((meter, at) => this.outcome(meter, at, source)) };
  }

  private outcome(meter: Meter, at: number, source: DenialSource): LimitOutcome {
    const { denier, nowMs } = this;
    const denies = meter === denier || source.trusts(meter);
    const outcome = outcomeOf(meter, unitsOf(source.cost, at), denies, Math.floor(nowMs * 1000));
    // Should the limit have been filled up in the meantime, then this was a denial all the same.
    return meter === denier && outcome.waitUs === 0 ? { ...outcome, waitUs: 1 } : outcome;
  }
}

interface Told {
  readonly meters: readonly Meter[];
  readonly outcomes: readonly LimitOutcome[];
}

/** Of which all limits were looked up before it was found. */
export class ForeseenDenial extends KnownDenial {
  constructor(
    denier: Meter,
    nowMs: number,
    private readonly all: DenialSource,
  ) {
    super(denier, nowMs);
  }

  protected override source(): DenialSource {
    return this.all;
  }
}
