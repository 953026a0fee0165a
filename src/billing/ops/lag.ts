import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { ProjectorStream } from '../projector/projector-group.js';
import { BackfillStore } from './backfill/backfill-store.js';
import { type BackfillRecord, progressOf } from './backfill/backfill-record.js';
import { DeadLetters } from './dead-letters.js';

/** Where billing stands. Ages are in seconds, and null where there is nothing. */
export interface LagReport {
  readonly log: {
    readonly entries: number;
    readonly oldest: string | null;
    readonly oldest_age_s: number | null;
  };
  readonly projector: {
    /** Not given to it yet. */
    readonly waiting: number;
    /** Given and not settled. */
    readonly pending: number;
    readonly oldest_age_s: number | null;
    readonly last_given: string | null;
  };
  readonly dead_letters: number;
  readonly backfill: {
    /** Up to when everything was fetched, ISO 8601. */
    readonly fetched_up_to: string | null;
    readonly last: { readonly id: string; readonly state: string; readonly progress: number } | null;
  };
}

/** How far behind everything is, asked anew each time. */
@Injectable()
export class Lag {
  constructor(
    private readonly projector: ProjectorStream,
    private readonly letters: DeadLetters,
    private readonly backfills: BackfillStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws RedisUnavailableError */
  async report(): Promise<LagReport> {
    const [position, letters, { record, head }] = await Promise.all([
      this.projector.position(),
      this.letters.count(),
      this.backfills.last(),
    ]);
    const { nowMs, length, lag, pending, oldest, lastGiven, oldestPending, oldestWaiting } = position;
    const ages = [oldestPending, oldestWaiting].flatMap((id) => ageS(nowMs, id) ?? []);
    return {
      log: { entries: length, oldest: oldest ?? null, oldest_age_s: ageS(nowMs, oldest) },
      projector: {
        waiting: lag,
        pending,
        oldest_age_s: ages.length > 0 ? Math.max(...ages) : null,
        last_given: lastGiven ?? null,
      },
      dead_letters: letters,
      backfill: {
        fetched_up_to: head ? new Date(head.createdS * 1000).toISOString() : null,
        last: record ? lastOf(record, this.clock.nowMs()) : null,
      },
    };
  }
}

/** What has said nothing for so long is run by nobody. */
const SILENT_MS = 15 * 60_000;

function lastOf(record: BackfillRecord, nowMs: number) {
  const silent = record.state === 'running' && nowMs - record.updatedMs > SILENT_MS;
  return { id: record.id, state: silent ? 'stopped' : record.state, progress: progressOf(record) };
}

function ageS(nowMs: number, id: string | undefined): number | null {
  return id === undefined ? null : Math.max(0, Math.round((nowMs - Number(id.split('-', 1)[0])) / 1000));
}
