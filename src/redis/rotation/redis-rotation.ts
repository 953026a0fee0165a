import type { Clock, Timer } from '../../kernel/time.js';
import type { AccessKeeper } from '../live-access.js';
import type { RotationLogger } from './rotation-report.js';

/** Credentials and certificates that change while the process runs. What a signal, or an operator's page, asks. */
export abstract class RedisRotation {
  /**
   * Looks at every file and asks every provider at once, and tries what is new. Says so when nothing is. Whoever
   * asks while others wait for the next look shares it, and two looks are a second apart.
   * Resolves when all has been tried, at the latest after some seconds; never rejects.
   */
  abstract now(): Promise<void>;
}

export interface RotationScheduleOptions {
  /** Of all active purposes on servers. */
  readonly keepers: () => readonly AccessKeeper[];
  readonly checkMs: number;
  readonly clock: Clock;
  readonly logger: RotationLogger;
}

/** Between two looks that were asked for: a provider is somebody else's service. */
const APART_MS = 1000;
/** After which a look is no longer waited for. */
const LOOK_MS = 20_000;

/** Looks at what each purpose has to look at again and again, each for itself: one may hang. */
export class RotationSchedule extends RedisRotation {
  private readonly timers = new Map<AccessKeeper, Timer>();
  /** The look that is asked for and has not begun. */
  private asked: Promise<void> | undefined;
  private underway: Promise<void> | undefined;
  private notBeforeMs = -Infinity;
  private endPause: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly options: RotationScheduleOptions) {
    super();
  }

  start(): void {
    for (const keeper of this.options.keepers()) this.again(keeper);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) timer.cancel();
    this.endPause?.();
  }

  now(): Promise<void> {
    this.asked ??= this.lookNext();
    return this.asked;
  }

  private again(keeper: AccessKeeper): void {
    const { clock, checkMs } = this.options;
    if (this.stopped) return;
    this.timers.get(keeper)?.cancel();
    const look = () => void keeper.look(false).then(() => this.again(keeper));
    this.timers.set(keeper, clock.after(checkMs, look));
  }

  private async lookNext(): Promise<void> {
    const { clock } = this.options;
    await this.underway;
    await this.pause(this.notBeforeMs - clock.monotonicMs());
    this.underway = this.lookAtAll();
    this.asked = undefined;
    await this.underway;
    this.notBeforeMs = clock.monotonicMs() + APART_MS;
  }

  private async lookAtAll(): Promise<void> {
    if (this.stopped) return;
    const looks = this.options.keepers().map((keeper) => this.bounded(keeper.look(true)));
    const changed = (await Promise.all(looks)).includes(true);
    if (!changed) this.options.logger.log('Looked at all credentials and certificates: nothing has changed');
  }

  /** Of what has not ended nobody can say that nothing has changed. */
  private bounded(look: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = this.options.clock.after(LOOK_MS, () => resolve(true));
      look.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private async pause(ms: number): Promise<void> {
    if (ms <= 0 || this.stopped) return;
    await new Promise<void>((resolve) => {
      const timer = this.options.clock.after(ms, resolve);
      this.endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
