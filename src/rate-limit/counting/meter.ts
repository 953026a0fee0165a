import type { CompiledLimit } from '../policies/compiled-limit.js';
import { type WindowCounts, usedOf } from './sliding-window.js';

/** Trust of a meter whose state is not the word of Redis. */
export const NOT_OF_REDIS = 0;

/** Who keeps in mind what a limit says. */
export interface MeterWatcher {
  meterChanged(): void;
}

/**
 * One limit of one subject, as far as this process knows it: what Redis said last, or what was counted here. The
 * state grows old by itself, so it can be read at any time.
 */
export class Meter {
  /** The state is kept in Redis under this name. */
  readonly field: string;
  /** What Redis said last is trusted while this is the trust of the decider. */
  trust = NOT_OF_REDIS;
  /** When something was known last, from Redis or because it was counted here; monotonic milliseconds. */
  knownMs = Number.NEGATIVE_INFINITY;
  /** The batch that the meter last stood in, and its place there. */
  batch = 0;
  slot = 0;
  /** rate: when everything spent will be earned back, monotonic microseconds. */
  private fullAtUs = 0;
  private lowered = false;
  /** window: start of the present window in monotonic microseconds, and the counts. */
  private windowStartUs = 0;
  private current = 0;
  private previous = 0;
  private watcher: MeterWatcher | undefined;

  /**
   * @param base the limit as its policy has it
   * @param limit the limit in force, which an override may have changed
   */
  constructor(
    readonly base: CompiledLimit,
    public limit: CompiledLimit,
    digest: string,
  ) {
    this.field = base.tag + digest;
  }

  /** Tells it once, when the limit stands otherwise than it would by the mere passing of time. */
  watchedBy(watcher: MeterWatcher): void {
    this.watcher = watcher;
  }

  /** From now on another limit is in force: where its states live elsewhere, the meter needs another place in a batch. */
  follow(limit: CompiledLimit): void {
    if (limit.generationUs !== this.limit.generationUs) this.batch = 0;
    this.lowered ||= limit.capacity < this.limit.capacity;
    this.limit = limit;
    this.changed();
  }

  /**
   * rate: microseconds until everything spent is earned back. More than the capacity where this process granted a unit
   * that is more than its share.
   */
  aheadUs(nowUs: number): number {
    if (this.lowered) {
      // Else it would deny for longer than the limit now takes to fill.
      this.lowered = false;
      this.fullAtUs = Math.min(this.fullAtUs, nowUs + this.limit.capacity);
    }
    return Math.max(0, this.fullAtUs - nowUs);
  }

  setAhead(aheadUs: number, nowUs: number): void {
    this.fullAtUs = nowUs + aheadUs;
    this.changed();
  }

  /** window: the counts as they are now. A window begins with the first unit after a rest, else where the last ended. */
  counts(nowUs: number): WindowCounts {
    const { periodUs } = this.limit;
    const elapsedUs = nowUs - this.windowStartUs;
    const rested = this.current === 0 && (this.previous === 0 || elapsedUs >= periodUs);
    if (rested || elapsedUs >= 2 * periodUs) this.setCounts({ current: 0, previous: 0, elapsedUs: 0 }, nowUs);
    else if (elapsedUs >= periodUs) {
      this.previous = this.current;
      this.current = 0;
      this.windowStartUs += periodUs;
    }
    return {
      current: this.current,
      previous: this.previous,
      elapsedUs: nowUs - this.windowStartUs,
    };
  }

  setCounts({ current, previous, elapsedUs }: WindowCounts, nowUs: number): void {
    this.current = current;
    this.previous = previous;
    this.windowStartUs = nowUs - elapsedUs;
    this.changed();
  }

  /** Redis has said how it stands. */
  heard(trust: number, nowMs: number): void {
    this.trust = trust;
    this.knownMs = nowMs;
  }

  /** From now on the state is what this process counts. */
  countedHere(nowMs: number): void {
    this.trust = NOT_OF_REDIS;
    this.knownMs = nowMs;
    this.changed();
  }

  /** The same limit of the same subject, counted apart from now on. */
  copy(): Meter {
    const made = new Meter(this.base, this.limit, '');
    made.adopt(this);
    return made;
  }

  /** Takes over the state of the other one where more is spent there. */
  raiseTo(other: Meter, nowUs: number): void {
    if (other.spentUnits(nowUs) > this.spentUnits(nowUs)) this.adopt(other);
  }

  /** Units that are not earned back yet; a fraction. */
  spentUnits(nowUs: number): number {
    const { limit } = this;
    return limit.kind === 'window' ? usedOf(this.counts(nowUs), limit) : this.aheadUs(nowUs) / limit.periodUs;
  }

  private adopt({ fullAtUs, windowStartUs, current, previous }: Meter): void {
    this.fullAtUs = fullAtUs;
    this.windowStartUs = windowStartUs;
    this.current = current;
    this.previous = previous;
    this.changed();
  }

  private changed(): void {
    if (!this.watcher) return;
    this.watcher.meterChanged();
    this.watcher = undefined;
  }
}
