import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { CLOCK } from '../../../telemetry/index.js';
import { AppliedUpTo } from './applied-up-to.js';
import { Replay } from './replay.js';

/** What was applied again. */
export interface Missed {
  /** Entries that were taken in from here on, ISO 8601. */
  readonly from: string;
  readonly entries: number;
  /** Of them, those that SQL did not have. */
  readonly applied: number;
  readonly dead_letters: number;
}

/** Applies again what SQL may not have of the log, and what the projector has given up. */
@Injectable()
export class MissedReplay {
  constructor(
    private readonly replay: Replay,
    private readonly applied: AppliedUpTo,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws DatabaseUnavailableError, ReplayStoppedError; it may be run again */
  async run(signal: AbortSignal): Promise<Missed> {
    // An id from the future, be it planted or of a clock that was set back, would have everything before it pass for applied.
    const fromMs = await this.applied.moment(this.clock.nowMs());
    const request = { target: 'projector', dryRun: false } as const;
    const log = await this.replay.run({ ...request, selection: { fromMs } }, { signal });
    const letters = await this.replay.run({ ...request, selection: { deadLetters: true } }, { signal });
    return {
      from: new Date(fromMs).toISOString(),
      entries: log.matched,
      applied: log.outcomes['applied'] ?? 0,
      dead_letters: letters.matched,
    };
  }
}
