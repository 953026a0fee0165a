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

const POLL_MS = 1000;
/** More than for mails: most of the time is spent waiting for webhooks that are slow. */
export const MOST_AT_ONCE = 16;
/** An alert that is a day old is no alert. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** With pauses of up to half an hour the age comes first. */
const MOST_ATTEMPTS = 100;
const BACK_OFF = { firstMs: 2000, mostMs: 1_800_000 };
/** For SQL, before a webhook is called and after it. */
const SQL_MS = 5000;

/** Takes deliveries that are due, in this process and in all others that run, each by one of them. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: DueWorker<typeof statusDeliveries>;

  constructor(
    @InjectDatabase('status') database: FeatureDatabase,
    delivering: Delivering,
    @Inject(CLOCK) clock: Clock,
    metrics: Metrics,
  ) {
    const performMs = delivering.longestMs + SQL_MS;
    this.worker = new DueWorker({
      name: 'status',
      database,
      table: statusDeliveries,
      perform: (row, signal) => delivering.perform(row, signal),
      reasonOf: (error) => (error instanceof WebhookFailure ? error.reason : 'other'),
      whenDone: { sealed: null },
      atOnce: MOST_AT_ONCE,
      pollMs: POLL_MS,
      performMs,
      leaseMs: performMs + SQL_MS,
      maxAgeMs: GIVE_UP_AFTER_MS,
      maxAttempts: MOST_ATTEMPTS,
      backOff: BACK_OFF,
      clock,
      metrics,
    });
  }

  onApplicationBootstrap(): void {
    this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }

  /** A delivery may have been added. */
  nudge(): void {
    this.worker.nudge();
  }
}
