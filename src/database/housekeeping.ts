import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock, Timer } from '../kernel/time.js';
import { DatabaseUnavailableError } from './database.errors.js';

/** Something that grows and of which a part is of no use any more. */
export interface Chore {
  /** For logs, and for the other instances; unique in the application. */
  readonly name: string;
  /**
   * Forgets so many rows at most.
   *
   * @returns how many
   */
  forget(most: number): Promise<number>;
}

/** Whose turn it is, of all instances. */
export interface Rounds {
  /** Whether SQL can be asked without opening anything for it. */
  readonly isOpen: boolean;
  /** @returns whether the chore is due; then it is this instance's for half an hour */
  begin(chore: string): Promise<boolean>;
  /** It is not due again for most of a day. */
  end(chore: string): Promise<void>;
}

export interface HousekeepingOptions {
  readonly chores: readonly Chore[];
  readonly rounds: Rounds;
  readonly clock: Clock;
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Not while everything starts; and a process that is restarted each day comes to it all the same. */
const FIRST_AFTER_MS = 5 * MINUTE_MS;
/** Where SQL was away, or more was left than one round takes. */
const AGAIN_AFTER_MS = HOUR_MS;
/** So that no statement holds many locks, or takes long. */
const ROWS_AT_ONCE = 1000;
const MOST_STATEMENTS = 100;

/**
 * Does the chores of a feature once a day, in one of all instances: each looks at a moment of its own, and the first one
 * does what is due. A shutdown waits for the statement that runs, and for no other.
 */
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Housekeeping');
  private readonly random: () => number;
  private timer: Timer | undefined;
  private running: Promise<void> | undefined;
  private ending = false;

  constructor(private readonly options: HousekeepingOptions) {
    this.random = options.random ?? Math.random;
  }

  onApplicationBootstrap(): void {
    this.schedule(FIRST_AFTER_MS + HOUR_MS * this.random());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending = true;
    this.timer?.cancel();
    await this.running;
  }

  private schedule(afterMs: number): void {
    if (this.ending) return;
    this.timer = this.options.clock.after(afterMs, () => {
      this.running = this.round().finally(() => {
        this.running = undefined;
      });
    });
  }

  private async round(): Promise<void> {
    let finished = this.options.rounds.isOpen;
    if (finished)
      for (const chore of this.options.chores) finished = (await this.finishes(chore)) && finished;
    this.schedule((finished ? DAY_MS : AGAIN_AFTER_MS) * (0.9 + 0.2 * this.random()));
  }

  /** @returns false where something is left to do */
  private async finishes(chore: Chore): Promise<boolean> {
    const { rounds } = this.options;
    let rows = 0;
    try {
      if (!(await rounds.begin(chore.name))) return true;
      for (let statement = 0; statement < MOST_STATEMENTS && !this.ending; statement += 1) {
        const gone = await chore.forget(ROWS_AT_ONCE);
        rows += gone;
        if (gone >= ROWS_AT_ONCE) continue;
        await rounds.end(chore.name);
        return true;
      }
      return false;
    } catch (error) {
      // An outage is told by its compartment, once.
      if (!(error instanceof DatabaseUnavailableError)) this.logger.error(error);
      return false;
    } finally {
      if (rows > 0) this.logger.log('Forgot what nobody needs any more', { chore: chore.name, rows });
    }
  }
}
