import { PURPOSES } from '../../../src/redis/index.js';

/** A pause of this length makes the smallest budget run out with nobody to blame. */
export const NOTICEABLE_MS = Math.min(...Object.values(PURPOSES).map(({ lanes }) => lanes.command.commandMs));

const TICK_MS = 10;

/**
 * Notes for how long this process did not run, because the machine had others to run. What is measured meanwhile
 * says nothing about the product: the judge widens its bounds by it, and the report refuses a run of many pauses.
 */
export class StallWatch {
  private longestMs = 0;
  private lastMs = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** The longest pause since the last time, milliseconds. */
  take(): number {
    this.tick();
    const taken = this.longestMs;
    this.longestMs = 0;
    return taken;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const nowMs = performance.now();
    this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs - TICK_MS);
    this.lastMs = nowMs;
  }
}
