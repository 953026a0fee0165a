import type { Clock } from '../../kernel/time.js';
import { type LocalQuestion, countLocally, outcomeOf } from './local-counting.js';
import type { Meter } from './meter.js';
import { type LimitOutcome, unitsOf } from './outcome.js';

/** Instances reconnect within the longest pause between two attempts, which is 1.8 s unless somebody changes it. */
const PROBATION_MS = 2_000;

/**
 * For a moment after its return Redis does not know yet what other instances granted without it. Until they have told
 * it, a subject that was counted here goes on having the share of this instance only, beside what Redis says.
 */
export class Probation {
  private shares = new Map<Meter, Meter>();
  private endMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly instances: () => number,
  ) {}

  /** @param meters those that were counted here, as they stand; with no other instance there is nothing to wait for */
  begin(meters: readonly Meter[]): void {
    if (this.instances() === 1) return;
    this.isOver();
    this.endMs = this.clock.monotonicMs() + PROBATION_MS;
    for (const meter of meters) if (!this.shares.has(meter)) this.shares.set(meter, meter.copy());
  }

  /** Whether there is anything to ask it. */
  get isOn(): boolean {
    return this.shares.size > 0;
  }

  /** Spends the shares that there are. @returns how all limits stand where one of them is used up, else undefined */
  denial(question: Omit<LocalQuestion, 'instances'>): readonly LimitOutcome[] | undefined {
    const { shares } = this;
    if (this.isOver()) return undefined;
    const { meters, cost, nowUs } = question;
    const held = meters.filter((meter) => shares.has(meter));
    if (held.length === 0) return undefined;
    const { allowed, outcomes } = countLocally({
      ...question,
      meters: held.map((meter) => shares.get(meter) as Meter),
      cost: held.map((meter) => unitsOf(cost, meters.indexOf(meter))),
      instances: this.instances(),
    });
    if (allowed) return undefined;
    return meters.map(
      (meter, at) => outcomes[held.indexOf(meter)] ?? outcomeOf(meter, unitsOf(cost, at), false, nowUs),
    );
  }

  /** Redis is lost again before it knew everything: what the share has spent still counts. */
  restore(meter: Meter, nowUs: number): void {
    const share = this.shares.get(meter);
    if (!share) return;
    this.shares.delete(meter);
    if (!this.isOver()) meter.raiseTo(share, nowUs);
  }

  private isOver(): boolean {
    if (this.clock.monotonicMs() < this.endMs) return false;
    this.shares.clear();
    return true;
  }
}
