import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { waitAtMost } from '../../../kernel/deadline.js';
import { AppError } from '../../../kernel/errors.js';
import type { Clock } from '../../../kernel/time.js';
import { InjectRedis, type PurposeRedis } from '../../../redis/index.js';
import { CLOCK } from '../../../telemetry/index.js';
import { REPLAY_LOCK_KEY } from '../../log/keys.js';
import { sleep } from '../backfill/sleep.js';
import { ReplaySettings } from '../ops.config.js';
import { OwnedLock } from '../owned-lock.js';
import { MissedReplay } from './missed-replay.js';

const TRY_AGAIN_MS = 15_000;
/** Instances that start side by side have all asked for the lock within this after the first has ended. */
const HELD_FOR_MS = 10 * 60_000;
const LOCK_MS = 30_000;
/** At the end of the process, for a server that says nothing. */
const STOP_MS = 500;

/**
 * At the start, where BILLING_REPLAY_ON_START says so: applies again what SQL does not have of the log, as after SQL was
 * restored from a copy, and what the projector has given up. One instance does it; the lock stays taken for ten minutes
 * after that, so that those which start later leave it alone. Nothing is applied twice either way.
 */
@Injectable()
export class StartReplay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('StartReplay');
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly settings: ReplaySettings,
    private readonly missed: MissedReplay,
    @InjectRedis('billingEvents', 'bulk') private readonly redis: PurposeRedis<'billingEvents'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.onStart) this.running = this.untilDone();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await waitAtMost(this.clock, STOP_MS, this.running);
  }

  /** @returns false where another instance does it, or has done it */
  async once(): Promise<boolean> {
    const { redis: client, clock } = this;
    const lock = await OwnedLock.take({ client, clock, key: REPLAY_LOCK_KEY, lifeMs: LOCK_MS });
    if (!(lock instanceof OwnedLock)) return false;
    try {
      const signal = AbortSignal.any([lock.lost, this.ending.signal]);
      this.logger.log('Replayed what the projector may have missed', await this.missed.run(signal));
      await lock.leave(HELD_FOR_MS);
      return true;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private async untilDone(): Promise<void> {
    while (!this.ending.signal.aborted) {
      try {
        await this.once();
        return;
      } catch (error) {
        // An outage is told by its compartment, once; the work waits until it is over.
        if (!(error instanceof AppError && error.status === 503)) this.logger.error(error);
      }
      await sleep(TRY_AGAIN_MS, this.clock, this.ending.signal).catch(() => undefined);
    }
  }
}
