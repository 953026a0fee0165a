import { AsyncResource } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import type { Settler } from '../../kernel/settler.js';
import { type PurposeRedis, RedisCommandError, TurnBatches, failClosed } from '../../redis/index.js';
import { AppendBatch } from './append-batch.js';
import { Append } from './append.js';
import type { BillingLogSettings } from './billing-log.config.js';
import { assertEvent } from './event-rules.js';
import type { BillingEvent } from './log-entry.js';
import type { LogNotes } from './log-notes.js';
import { type AppendAnswer, type AppendOutcome, appendEvents } from './log-scripts.js';

export interface AppendsOptions {
  readonly redis: PurposeRedis<'billingEvents'>;
  readonly settings: Pick<BillingLogSettings, 'markSeconds'>;
  readonly notes: LogNotes;
}

/** What is appended within one turn of the event loop goes out in one script call. Each event is kept or refused by itself. */
export class Appends {
  private readonly batches = new TurnBatches<Append, AppendBatch>(
    () => new AppendBatch(this.options.settings.markSeconds),
    (batch) => this.outside.runInAsyncScope(() => void this.run(batch)),
  );
  /** A batch is no single request's: what is logged of it would be told of whichever came first. */
  private readonly outside = new AsyncResource('BillingAppends');

  private readonly logger = new Logger('BillingAppends');

  constructor(private readonly options: AppendsOptions) {}

  /** @param settler is told of BillingEventRefusedError, RedisUnavailableError */
  keep(event: BillingEvent, settler: Settler<AppendOutcome>): void {
    const append = new Append(event, this.options.notes, settler);
    try {
      assertEvent(event);
      this.batches.add(append);
    } catch (error) {
      append.refused(error);
    }
  }

  /** Never rejects: each of those who wait is told. */
  private async run({ waiting, keys, args }: AppendBatch): Promise<void> {
    const { redis } = this.options;
    let answers: readonly AppendAnswer[];
    try {
      answers = await failClosed('billingEvents', async () => {
        const said = await appendEvents.run(redis, keys, args);
        if (said.length === waiting.length) return said;
        throw new RedisCommandError('billingEvents', 'append', 'REPLY', 'not one answer for each event');
      });
    } catch (error) {
      for (const append of waiting) this.tell(() => append.failed(error));
      return;
    }
    for (const [at, append] of waiting.entries()) {
      const answer = answers[at];
      if (answer && 'refusal' in answer) void this.refuse(append, answer.refusal);
      else if (answer) this.tell(() => append.kept(answer));
    }
  }

  /** What Redis says of the keys of one event is told as if it had been sent alone. Never rejects. */
  private async refuse(append: Append, refusal: string): Promise<void> {
    const code = refusal.split(' ', 1)[0] ?? 'ERR';
    try {
      await failClosed('billingEvents', () =>
        Promise.reject(new RedisCommandError('billingEvents', 'append', code, refusal)),
      );
    } catch (error) {
      this.tell(() => append.failed(error));
    }
  }

  /** Who waits is code of others: where it throws, the others of the batch are told all the same, and nobody twice. */
  private tell(telling: () => void): void {
    try {
      telling();
    } catch (error) {
      this.logger.error(error);
    }
  }
}
