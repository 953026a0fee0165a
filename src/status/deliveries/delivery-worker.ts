import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DueWorker, type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { statusDeliveries } from '../status.tables.js';
import { WebhookFailure } from '../webhooks/webhook-failure.js';
import { Delivering } from './delivering.js';
import { DELIVERY_SHARES } from './delivery-shares.js';

const POLL_MS = 1000;
/** An alert that is a day old is no alert. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** With pauses of up to half an hour the age comes first. */
const MOST_ATTEMPTS = 100;
const BACK_OFF = { firstMs: 2000, mostMs: 1_800_000 };
/** For SQL, before a webhook is called and after it. */
const SQL_MS = 5000;

/** Takes deliveries that are due, in this process and in all others that run, each by one of them; each channel by itself. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly workers: readonly DueWorker<typeof statusDeliveries>[];

  constructor(
    @InjectDatabase('status') database: FeatureDatabase,
    delivering: Delivering,
    @Inject(CLOCK) clock: Clock,
    metrics: Metrics,
  ) {
    const performMs = delivering.longestMs + SQL_MS;
    const rules = {
      database,
      table: statusDeliveries,
      perform: (row: typeof statusDeliveries.$inferSelect, signal: AbortSignal) =>
        delivering.perform(row, signal),
      reasonOf: (error: unknown) => (error instanceof WebhookFailure ? error.reason : 'other'),
      whenDone: { sealed: null },
      pollMs: POLL_MS,
      performMs,
      leaseMs: performMs + SQL_MS,
      maxAgeMs: GIVE_UP_AFTER_MS,
      maxAttempts: MOST_ATTEMPTS,
      backOff: BACK_OFF,
      clock,
      metrics,
    };
    this.workers = DELIVERY_SHARES.map((share) => new DueWorker({ ...rules, ...share }));
  }

  onApplicationBootstrap(): void {
    for (const worker of this.workers) worker.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  /** A delivery may have been added. */
  nudge(): void {
    for (const worker of this.workers) worker.nudge();
  }
}
