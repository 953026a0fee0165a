import type { Clock, Timer } from '../../kernel/time.js';
import type { Backlog } from './backlog.js';

const USUAL_POLL_MS = 1000;
/** A reading that takes longer has failed; what it still says is not heard. */
const LONGEST_READING_MS = 5000;
/** How long the last reading counts while none succeeds. After that nobody is turned away for what nobody knows. */
const KEPT_MS = 10_000;
/** Share of the mark at which work is taken in again: without a gap, it would be refused and taken in by turns. */
const RESUME_AT = 0.8;

export interface BacklogEvents {
  readonly read: (depth: number) => void;
  readonly failed: () => void;
}

/** One backlog: reads it at its pace, one reading at a time, and remembers whether it is over its mark. */
export class WatchedBacklog {
  private over = false;
  private readAtMs = -Infinity;
  private reading = 0;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(
    readonly row: Backlog,
    private readonly clock: Clock,
    private readonly events: BacklogEvents,
  ) {}

  /** Whether work has to be turned away. */
  get sheds(): boolean {
    return this.over && this.clock.monotonicMs() - this.readAtMs <= KEPT_MS;
  }

  start(): void {
    if (this.reading > 0 || this.stopped) return;
    this.read();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private read(): void {
    const number = (this.reading += 1);
    const conclude = (depth: number): void => {
      // Given up already, and another one is on its way.
      if (number !== this.reading || this.stopped) return;
      this.timer?.cancel();
      this.note(depth);
      this.timer = this.clock.after(this.row.pollMs ?? USUAL_POLL_MS, () => this.read());
    };
    this.timer = this.clock.after(LONGEST_READING_MS, () => conclude(NaN));
    try {
      const depth = this.row.depth();
      if (typeof depth === 'number') conclude(depth);
      else depth.then(conclude, () => conclude(NaN));
    } catch {
      conclude(NaN);
    }
  }

  private note(depth: number): void {
    if (!Number.isFinite(depth)) return this.events.failed();
    const { mark } = this.row;
    this.readAtMs = this.clock.monotonicMs();
    this.over = depth > mark || (this.over && depth > mark * RESUME_AT);
    this.events.read(depth);
  }
}
