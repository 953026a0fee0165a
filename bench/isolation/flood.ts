import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES, type BuiltInPurpose } from '../../src/redis/index.js';
import type { Compartments } from '../../test/support/compartments.js';

/** Keeps the server busy for a while and answers nothing of interest. */
const BURN = 'for i = 1, tonumber(ARGV[1]) do end return 0';
const CALIBRATION_LOOPS = 2_000_000;
/** A caller that is refused comes back, but does not spin. */
const PAUSE_AFTER_ERROR_MS = 5;

export interface FloodOptions {
  readonly purpose: BuiltInPurpose;
  /** Calls in flight at a time. */
  readonly concurrency: number;
  /** How much of the server's time one call takes, in loops of the script. */
  readonly loops: number;
}

/** Expensive calls without a pause: the server is never idle, and a queue as long as the concurrency waits there. */
export class Flood {
  private going = true;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly core: Compartments,
    private readonly options: FloodOptions,
  ) {
    this.workers = Array.from({ length: options.concurrency }, () => this.work());
  }

  async stop(): Promise<void> {
    this.going = false;
    await Promise.all(this.workers);
  }

  private async work(): Promise<void> {
    const { purpose, loops } = this.options;
    const client = this.core.lane(purpose, 'command');
    const key = `${PURPOSES[purpose].namespace}:bench:burn`;
    while (this.going) {
      await client.eval(BURN, 1, key, loops).catch(() => sleep(PAUSE_AFTER_ERROR_MS));
    }
  }
}

/** @returns loops of the script that take the server one millisecond */
export async function loopsPerMs(core: Compartments, purpose: BuiltInPurpose): Promise<number> {
  const client = core.lane(purpose, 'command');
  const key = `${PURPOSES[purpose].namespace}:bench:burn`;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 9; round += 1) {
    const started = performance.now();
    await client.eval(BURN, 1, key, CALIBRATION_LOOPS);
    fastestMs = Math.min(fastestMs, performance.now() - started);
  }
  return Math.round(CALIBRATION_LOOPS / fastestMs);
}
