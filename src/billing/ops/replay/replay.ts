import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Metrics } from '../../../telemetry/index.js';
import type { EntryId } from '../../log/entry-id.js';
import { EventLog } from '../../log/event-log.js';
import { isReplayId } from '../../log/event-rules.js';
import { type LogEntry, UNASSIGNED } from '../../log/log-entry.js';
import { DeadLetters } from '../dead-letters.js';
import { InterruptedError, SelectionError } from '../ops.errors.js';
import { ASSIGNMENT } from './assign-replay.js';
import { ReplayWorks } from './replay-works.js';
import { type Outcomes, type ReplayTarget, addOutcomes, countOf } from './replay-target.js';
import { type Selected, type Selection, assertSelection, select } from './selection.js';

export interface ReplayRequest {
  readonly selection: Selection;
  readonly target: ReplayTarget;
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
  /** Names it: what was told under a name is not told again. 1 to 64 letters, digits, - or _; unset: made up. */
  readonly id?: string;
  /** Goes on behind this entry. */
  readonly after?: EntryId;
  /** Entries to look at, about; unset: all. */
  readonly mostLooked?: number;
}

export interface ReplayReport {
  readonly id: string;
  readonly target: ReplayTarget;
  readonly dryRun: boolean;
  readonly looked: number;
  readonly matched: number;
  /** What became of those that matched, or would. */
  readonly outcomes: Outcomes;
  /** How many of each type matched; at most a hundred types, then `other`. */
  readonly types: Outcomes;
  /** Where to go on; undefined where everything was looked at. */
  readonly next?: EntryId;
}

export interface ReplayWatcher {
  readonly onProgress?: (report: ReplayReport) => void;
  readonly signal?: AbortSignal;
}

const MOST_TYPES = 100;

/** Tells selected events again. A page at a time, so that memory is bounded whatever the log holds. */
@Injectable()
export class Replay {
  constructor(
    readonly log: EventLog,
    readonly letters: DeadLetters,
    private readonly works: ReplayWorks,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @throws SelectionError; nothing was done
   * @throws RedisUnavailableError, DatabaseUnavailableError, InterruptedError: some may be done; the same request again
   *   goes on, where it has the same id
   */
  async run(request: ReplayRequest, { onProgress, signal }: ReplayWatcher = {}): Promise<ReplayReport> {
    const { target, dryRun, mostLooked = Number.POSITIVE_INFINITY } = request;
    const selection = selectionOf(request);
    const id = idOf(request);
    const work = this.works.of(target, id);
    let report: ReplayReport = { id, target, dryRun, looked: 0, matched: 0, outcomes: {}, types: {} };
    for await (const page of select(this, selection, request.after)) {
      const { entries, upTo, looked } = page;
      const results = await (dryRun ? work.preview(entries) : work.perform(entries));
      const outcomes = countOf(results);
      if (!dryRun) await this.settle(target, page, results);
      report = {
        ...report,
        looked: report.looked + looked,
        matched: report.matched + entries.length,
        outcomes: addOutcomes(report.outcomes, outcomes),
        types: addTypes(report.types, entries),
      };
      onProgress?.(report);
      if (signal?.aborted) throw new InterruptedError();
      if (report.looked >= mostLooked) return { ...report, next: upTo };
    }
    return report;
  }

  /** What the projector has applied now is no dead letter any more; what it cannot read stays one. */
  private async settle(
    target: ReplayTarget,
    { letterIds = [] }: Selected,
    results: readonly string[],
  ): Promise<void> {
    for (const result of results) this.metrics.billingReplays.inc({ target, result });
    if (target === 'projector')
      await this.letters.remove(letterIds.filter((_, at) => results[at] !== 'unreadable'));
  }
}

function selectionOf({ selection, target }: ReplayRequest): Selection {
  const { tenantId } = selection;
  if (target === 'assign' && tenantId !== undefined && tenantId !== UNASSIGNED)
    throw new SelectionError(
      'Only events that nobody owns are given to tenants: the tenant is _unassigned, or not said.',
    );
  const complete = target === 'assign' ? { ...selection, tenantId: UNASSIGNED } : selection;
  assertSelection(complete);
  return complete;
}

function idOf({ id = randomBytes(9).toString('base64url'), target }: ReplayRequest): string {
  if (target !== 'assign' && id === ASSIGNMENT)
    throw new SelectionError(`The id ${ASSIGNMENT} stands for the giving of events to tenants.`);
  if (!isReplayId(id)) throw new SelectionError('An id of a replay has 1 to 64 letters, digits, - or _.');
  return target === 'assign' ? ASSIGNMENT : id;
}

function addTypes(types: Outcomes, entries: readonly LogEntry[]): Outcomes {
  const sum: Record<string, number> = { ...types };
  for (const { type } of entries) {
    const name = Object.hasOwn(sum, type) || Object.keys(sum).length < MOST_TYPES ? type : 'other';
    // A type may be called as what every object has: constructor.
    sum[name] = Object.hasOwn(sum, name) ? (sum[name] ?? 0) + 1 : 1;
  }
  return sum;
}
