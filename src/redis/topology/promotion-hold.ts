import type { Clock } from '../../kernel/time.js';

/** A promotion that nobody finishes is one that did not happen; the Sentinels try again after minutes. */
export const HOLD_MS = 10_000;
/** After a promotion that came to nothing its Sentinel is not listened to for this long, and twice as long each time. */
export const FIRST_REST_MS = 10_000;
export const LONGEST_REST_MS = 160_000;

interface Record {
  /** It may announce again, monotonic milliseconds. */
  readonly againMs: number;
  readonly nextRestMs: number;
}

/**
 * While a Sentinel promotes another server, nobody writes to the old primary. A Sentinel can be wrong, or lie, so a
 * hold ends by itself, and one that announces for ever denies less and less.
 */
export class PromotionHold {
  private current: { readonly by: string; readonly untilMs: number } | undefined;
  private readonly records = new Map<string, Record>();

  constructor(private readonly clock: Clock) {}

  /**
   * @param by the Sentinel that announces
   * @returns whether a hold begins now
   */
  begin(by: string): boolean {
    const nowMs = this.clock.monotonicMs();
    const { againMs, nextRestMs } = this.records.get(by) ?? { againMs: 0, nextRestMs: FIRST_REST_MS };
    if (this.standing || nowMs < againMs) return false;
    const untilMs = nowMs + HOLD_MS;
    this.current = { by, untilMs };
    this.records.set(by, {
      againMs: untilMs + nextRestMs,
      nextRestMs: Math.min(2 * nextRestMs, LONGEST_REST_MS),
    });
    return true;
  }

  /** @param answering Sentinels that answer: one that is gone finishes no promotion */
  counts(answering: readonly string[]): boolean {
    return this.standing && answering.includes(this.current?.by ?? '');
  }

  /** Another primary is known: whoever announced it was right. */
  fulfilled(): void {
    if (this.current) this.records.delete(this.current.by);
    this.current = undefined;
  }

  /** Only who announced a promotion can give it up. */
  gaveUp(by: string): void {
    if (this.current?.by === by) this.current = undefined;
  }

  private get standing(): boolean {
    return this.current !== undefined && this.clock.monotonicMs() < this.current.untilMs;
  }
}
