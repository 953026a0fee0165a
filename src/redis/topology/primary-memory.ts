import type { Clock } from '../../kernel/time.js';
import type { Address } from '../dialer.js';

/** What one Sentinel says of the primary. */
export interface Naming {
  readonly primary?: Address;
  /** Counts the configurations of these servers; grows with each fail-over. */
  readonly epoch: number;
}

export type Named = Naming & { readonly primary: Address };

/** Sentinels tell each other every 2 s: for that long most of them may name the primary of before. */
export const SPREADING_MS = 2000;

/**
 * Which primary is known, and which news may replace it. A higher epoch is believed from anybody, what leads back
 * only from the majority of the Sentinels in the settings: one that was cut off tells of the past.
 */
export class PrimaryMemory {
  private known: Address | undefined;
  private leastEpoch = 0;
  private steppedMs = 0;
  private heard = 0;

  constructor(private readonly clock: Clock) {}

  get primary(): Address | undefined {
    return this.known;
  }

  /** Grows with each announcement; an answer to a question of before is older than that. */
  get announcements(): number {
    return this.heard;
  }

  is({ host, port }: Address): boolean {
    return this.known?.host === host && this.known.port === port;
  }

  /**
   * @param answers one for each Sentinel in the settings, those that did not answer as well
   * @returns the answer to follow, undefined where none is to be believed
   */
  judge(answers: readonly Naming[]): Named | undefined {
    const named = answers
      .filter((answer): answer is Named => answer.primary !== undefined)
      .toSorted((a, b) => b.epoch - a.epoch || Number(this.is(b.primary)) - Number(this.is(a.primary)));
    const [best] = named;
    if (!best || this.known === undefined) return best;
    if (best.epoch > this.leastEpoch) return best;
    const steady = best.epoch === this.leastEpoch && this.is(best.primary);
    if (steady) return best;
    return this.majority(named, answers.length) ?? named.find(({ primary }) => this.is(primary));
  }

  /** @returns whether another primary was known before */
  learn({ primary, epoch }: Named): boolean {
    const same = this.is(primary);
    const moved = this.known !== undefined && !same;
    if (!same) this.step(primary);
    // One Sentinel of the past that names the right one takes nothing back.
    this.leastEpoch = same ? Math.max(this.leastEpoch, epoch) : epoch;
    return moved;
  }

  /** The primary was replaced. The announcement does not say the epoch: it is a higher one. */
  announced(primary: Address): void {
    this.heard += 1;
    this.leastEpoch += 1;
    this.step(primary);
  }

  private step(primary: Address): void {
    this.known = primary;
    this.steppedMs = this.clock.monotonicMs();
  }

  private majority(named: readonly Named[], all: number): Named | undefined {
    if (this.clock.monotonicMs() - this.steppedMs < SPREADING_MS) return undefined;
    return named.find(({ primary: { host, port } }) => {
      const votes = named.filter(({ primary }) => primary.host === host && primary.port === port);
      return votes.length * 2 > all;
    });
  }
}
