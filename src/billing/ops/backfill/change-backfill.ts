import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnModuleInit,
} from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { CLOCK } from '../../../telemetry/index.js';
import { RunIdWatch, type ServerChange } from '../../log/run-id-watch.js';
import { AlreadyRunningError, InterruptedError } from '../ops.errors.js';
import { AppliedUpTo } from '../replay/applied-up-to.js';
import { Backfill } from './backfill.js';
import { sleep } from './sleep.js';

/** For so long the server before may have gone on after it was seen last. */
const SEEN_EVERY_S = 120;

/**
 * Fetches again what the server of the log may have lost when it was restarted or replaced: with `appendfsync everysec`
 * that is a second of what Stripe was told to be kept, and Stripe does not send it again by itself. Where the log is another
 * one, what the projector had not come to is lost as well, and fetched from where SQL ends.
 */
@Injectable()
export class ChangeBackfill implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('Backfill');
  private readonly ending = new AbortController();

  constructor(
    private readonly watch: RunIdWatch,
    private readonly backfill: Backfill,
    private readonly applied: AppliedUpTo,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.watch.onChange((change) => this.fetchAgain(change));
  }

  beforeApplicationShutdown(): void {
    this.ending.abort();
  }

  /** Of several instances one does it; the others come again until it is done. */
  async fetchAgain(change: ServerChange): Promise<'done' | 'later'> {
    if (!this.backfill.isConfigured) {
      this.logger.warn(
        'What the Redis server of billing events may have lost is not fetched from Stripe: STRIPE_SECRET_KEY is not set. ' +
          'Set it, and run `billing backfill`.',
      );
      return 'done';
    }
    try {
      await this.fetch(change);
      return 'done';
    } catch (error) {
      if (error instanceof AlreadyRunningError || error instanceof InterruptedError) return 'later';
      throw error;
    }
  }

  private async fetch({ previous, current, lastSeenMs }: ServerChange): Promise<void> {
    const id = `restart-${current.runId.slice(0, 16)}-${current.birth.slice(0, 16)}`;
    // Every instance comes here, and where SQL ends is a question to all of its objects.
    if (await this.backfill.isDone(id)) return;
    const { lagS, overlapS } = this.backfill.margins;
    const noticedS = Math.ceil(this.clock.nowMs() / 1000);
    const seenS = Math.min(Math.floor(lastSeenMs / 1000) - SEEN_EVERY_S, noticedS);
    const isOther = previous.birth !== current.birth;
    // What SQL has of the new log, also by an attempt before this one, says nothing of what the old one took with it.
    const lostS = isOther ? Math.floor((await this.applied.moment(lastSeenMs)) / 1000) : seenS;
    // The newest events are the ones that may be lost, and Stripe does not list them at once.
    await sleep((lagS + 1) * 1000, this.clock, this.ending.signal);
    const { done } = await this.backfill.start({
      id,
      fromS: Math.min(seenS, lostS) - overlapS,
      toS: noticedS,
    });
    await done;
  }
}
