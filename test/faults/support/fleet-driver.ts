import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet, FleetAnswer } from './fleet.js';

/** The instance that the nth request goes to. */
export type Spread = (n: number, size: number) => number;

export const roundRobin: Spread = (n, size) => n % size;

/** @param random from 0 to 1 */
export function atRandom(random: () => number): Spread {
  return (_, size) => Math.floor(random() * size);
}

/** Requests that are under way at a time, and the pause of each after its answer. */
const WORKERS = 4;
const PAUSE_MS = 12;

/** One client that asks far more often than it may, for as long as it is let. */
export class FleetDriver {
  private readonly answers: FleetAnswer[] = [];
  private readonly workers: Promise<void>[];
  private going = true;
  private next = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly client: string,
    private readonly spread: Spread,
  ) {
    this.workers = Array.from({ length: WORKERS }, () => this.work());
  }

  async stop(): Promise<readonly FleetAnswer[]> {
    this.going = false;
    await Promise.all(this.workers);
    return this.answers;
  }

  private async work(): Promise<void> {
    while (this.going) {
      const { fleet, client, spread } = this;
      this.answers.push(await fleet.ask(spread(this.next++, fleet.size), client));
      await sleep(PAUSE_MS);
    }
  }
}
