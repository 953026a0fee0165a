import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { distinctUntilChanged, filter, map, type Subscription } from 'rxjs';
import { RedisStatus } from '../redis/index.js';
import { EpochMirror } from './epoch-mirror.js';
import { OwedEpochs } from './owed-epochs.js';

/** Tells Redis the epochs that it could not be told, as soon as it is back. */
@Injectable()
export class OwedEpochsPayer implements OnApplicationBootstrap, OnModuleDestroy {
  private subscription: Subscription | undefined;

  constructor(
    private readonly status: RedisStatus,
    private readonly owed: OwedEpochs,
    private readonly mirror: EpochMirror,
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
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  private async pay(): Promise<void> {
    for (const [userId, epoch] of this.owed.all()) {
      try {
        await this.mirror.follow(userId, epoch);
      } catch {
        // Away again: it is still owed, and the next return pays it.
        return;
      }
    }
  }
}
