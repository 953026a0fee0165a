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
/** Instances that start side by side have all asked within this after the first has ended its replay. */
const HELD_FOR_MS = 10 * 60_000;
const LOCK_MS = 30_000;
/** At the end of the process, for a server that says nothing. */
const STOP_MS = 500;

/**
 * At the start, where BILLING_REPLAY_ON_START says so: applies again what SQL does not have of the log, as after SQL was
 * restored from a copy, and what the projector has given up. One instance does it, and the lock says for ten minutes that
 * it is done; until then the others come back to it, since the one that had it may have died. Nothing is applied twice
 * either way.
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

  /**
   * Tries once.
   *
   * @returns `done`, here or by another instance; `elsewhere` where one has begun it, and may have died
   * @throws RedisUnavailableError, DatabaseUnavailableError, ReplayStoppedError; it may be tried again
   */
  async once(): Promise<'done' | 'elsewhere'> {
    const { redis: client, clock } = this;
    const lock = await OwnedLock.take({ client, clock, key: REPLAY_LOCK_KEY, lifeMs: LOCK_MS });
    if (!(lock instanceof OwnedLock)) return lock.done ? 'done' : 'elsewhere';
    try {
      const signal = AbortSignal.any([lock.lost, this.ending.signal]);
      this.logger.log('Replayed what the projector may have missed', await this.missed.run(signal));
      await lock.finish(HELD_FOR_MS);
      return 'done';
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private async untilDone(): Promise<void> {
    while (!this.ending.signal.aborted) {
      try {
        if ((await this.once()) === 'done') return;
      } catch (error) {
        // An outage is told by its compartment, once; the work waits until it is over.
        if (!(error instanceof AppError && error.status === 503)) this.logger.error(error);
      }
      await sleep(TRY_AGAIN_MS, this.clock, this.ending.signal).catch(() => undefined);
    }
  }
}
