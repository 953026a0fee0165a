import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { distinctUntilChanged, filter, map, type Subscription } from 'rxjs';
import type { Clock, Timer } from '../kernel/time.js';
import { RedisStatus, RedisUnavailableError } from '../redis/index.js';
import { CLOCK } from '../telemetry/index.js';
import { EpochMirror } from './epoch-mirror.js';
import { OwedEpochs } from './owed-epochs.js';

/** A single write may fail while the compartment stays up, and no return of it is heard of then. */
const AGAIN_AFTER_MS = 1000;

/** Tells Redis the epochs that it could not be told, as soon as it takes them. */
@Injectable()
export class OwedEpochsPayer implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Access');
  private subscription: Subscription | undefined;
  private timer: Timer | undefined;
  private paying: Promise<void> | undefined;

  constructor(
    private readonly status: RedisStatus,
    private readonly owed: OwedEpochs,
    private readonly mirror: EpochMirror,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.subscription = this.status
      .changes('authCache')
      .pipe(
        map(({ state }) => state === 'up'),
        distinctUntilChanged(),
        filter(Boolean),
      )
      .subscribe(() => void this.pay());
    this.arm();
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    this.timer = this.clock.after(AGAIN_AFTER_MS, () => {
      this.arm();
      void this.pay();
    });
  }

  private pay(): Promise<void> {
    return (this.paying ??= this.payAll().finally(() => (this.paying = undefined)));
  }

  private async payAll(): Promise<void> {
    for (const [userId, epoch] of this.owed.all()) {
      try {
        await this.mirror.follow(userId, epoch);
      } catch (error) {
        // Away again: it is still owed, and paid later.
        if (error instanceof RedisUnavailableError) return;
        // A mistake of ours, which would be made again each time; the others must not wait for it.
        this.owed.drop(userId);
        this.logger.error('An epoch could not be told to authCache, and is owed no longer', {
          user_id: userId,
          epoch,
          error,
        });
      }
    }
  }
}
