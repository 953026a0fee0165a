import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DatabaseStatementError, DatabaseUnavailableError } from '../../database/index.js';
import type { Clock } from '../../kernel/time.js';
import { PermanentFailure, QueueWorker, type StreamWork } from '../../queue/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { readEntry } from '../log/read-entry.js';
import { Projection } from './projection.js';
import { ProjectorStream } from './projector-group.js';

/** Between two looks where nobody nudges. */
const POLL_MS = 250;
const MOST_AT_ONCE = 32;
/** Half of them are asked for at a time: fewer questions, and the others go on meanwhile. */
const FEWEST_AT_ONCE = 16;
const DELIVERIES = 5;
const BACK_OFF = { firstMs: 500, mostMs: 30_000 };
/** Shorter than any lease, longer than SQL takes to say that it is away. */
const PERFORM_SHARE = 0.5;

/** Applies the log to SQL: each entry at least once, and as if once. */
@Injectable()
export class Projector implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: QueueWorker<StreamWork>;

  constructor(
    private readonly projection: Projection,
    stream: ProjectorStream,
    private readonly metrics: Metrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.worker = new QueueWorker({
      name: 'billing-projector',
      source: stream,
      perform: (work) => this.apply(work),
      reasonOf: (error) => (error instanceof DatabaseStatementError ? `sql-${error.sqlState}` : 'other'),
      // The entries are sound, and wait until SQL is back, however long that takes.
      needsAreAway: (error) => error instanceof DatabaseUnavailableError,
      onSettled: (outcome) => metrics.billingProjectorDeliveries.inc({ outcome }),
      atOnce: MOST_AT_ONCE,
      fewestAtOnce: FEWEST_AT_ONCE,
      performMs: stream.leaseMs * PERFORM_SHARE,
      pollMs: POLL_MS,
      maxAttempts: DELIVERIES,
      backOff: BACK_OFF,
      clock,
    });
  }

  onApplicationBootstrap(): void {
    this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }

  /** SQL is away: entries stay where they are. */
  get waitsForSql(): boolean {
    return this.worker.lacksNeeds;
  }

  /** Something was appended to the log. */
  nudge(): void {
    this.worker.nudge();
  }

  private async apply({ id, fields }: StreamWork): Promise<void> {
    const entry = readEntry(id, fields);
    if (!entry) throw new PermanentFailure('foreign');
    const applied = await this.projection.apply(entry);
    if (applied === 'unreadable') throw new PermanentFailure('unreadable');
    this.metrics.billingProjectorApplied.inc({ result: applied });
  }
}
