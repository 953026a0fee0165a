import { Injectable } from '@nestjs/common';
import { Metrics } from '../../../telemetry/index.js';
import type { EntryId } from '../../log/entry-id.js';
import { DeadLetters } from '../dead-letters.js';
import type { ReplayTarget } from './replay-target.js';

/** Counts what became of entries that were told again, and settles the dead letters that held them. */
@Injectable()
export class ReplayResults {
  constructor(
    private readonly letters: DeadLetters,
    private readonly metrics: Metrics,
  ) {}

  /**
   * What the projector has applied now is no dead letter any more; what it cannot read stays one.
   *
   * @param results a word for each entry
   * @param letterIds dead letters that hold them, in the same order; none where they are from the log
   * @throws RedisUnavailableError; the letters are still there then
   */
  async settle(
    target: ReplayTarget,
    results: readonly string[],
    letterIds: readonly EntryId[] = [],
  ): Promise<void> {
    for (const result of results) this.metrics.billingReplays.inc({ target, result });
    if (target === 'projector')
      await this.letters.remove(letterIds.filter((_, at) => results[at] !== 'unreadable'));
  }
}
