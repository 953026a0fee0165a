import { AsyncResource } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../kernel/time.js';
import {
  InjectRedis,
  type PurposeRedis,
  RedisStatus,
  RedisUnavailableError,
  TurnBatches,
} from '../redis/index.js';
import { CLOCK, noteUsage, requestContext } from '../telemetry/index.js';
import { type LookedUp, type LookUp, LookUpBatch, keysOf } from './look-up-batch.js';

/**
 * Looks sessions up, those that are asked about within one turn of the event loop in one MGET: after a cut thousands come
 * back at once. What is told was read after it was asked, so that a session that has ended before is not found.
 */
@Injectable()
export class SessionLookUps {
  private readonly batches = new TurnBatches<LookUp, LookUpBatch>(
    () => new LookUpBatch(this.inCluster),
    (batch) => this.outside.runInAsyncScope(() => void this.run(batch)),
  );
  /** A batch is no single request's: what it used is noted of each of them. */
  private readonly outside = new AsyncResource('SessionLookUps');
  private cluster: boolean | undefined;

  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    private readonly status: RedisStatus,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws RedisUnavailableError; TypeError for a user's id that is no UUID */
  async find(userId: string, sessionId: string): Promise<LookedUp> {
    const asked = {
      userId,
      keys: keysOf(userId, sessionId),
      askedMs: this.clock.monotonicMs(),
      record: requestContext.getStore(),
    };
    return new Promise((resolve, reject) => this.batches.add({ ...asked, resolve, reject }));
  }

  private get inCluster(): boolean {
    return (this.cluster ??= this.status.of('authCache').topology === 'cluster');
  }

  /** Never rejects: each of those who wait is told. */
  private async run(batch: LookUpBatch): Promise<void> {
    try {
      const texts = await this.redis.mget(batch.keys);
      this.note(batch);
      batch.answer(texts);
    } catch (error) {
      // What was not sent has used nothing.
      if (!(error instanceof RedisUnavailableError) || error.maybeExecuted) this.note(batch);
      for (const { reject } of batch.lookUps) reject(error);
    }
  }

  private note({ lookUps }: LookUpBatch): void {
    const nowMs = this.clock.monotonicMs();
    for (const { record, askedMs } of lookUps) if (record) noteUsage(record, 'authCache', nowMs - askedMs);
  }
}
