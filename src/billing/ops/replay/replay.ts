import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '../../../kernel/errors.js';
import type { EntryId } from '../../log/entry-id.js';
import { EventLog } from '../../log/event-log.js';
import { isReplayId } from '../../log/event-rules.js';
import { type LogEntry, UNASSIGNED } from '../../log/log-entry.js';
import { DeadLetters } from '../dead-letters.js';
import { InterruptedError, ReplayStoppedError, SelectionError } from '../ops.errors.js';
import { ReplayResults } from './replay-results.js';
import { ReplayWorks } from './replay-works.js';
import { ASSIGNMENT, type Outcomes, type ReplayTarget, addOutcomes, countOf } from './replay-target.js';
import { type Selection, assertSelection, select } from './selection.js';

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

export interface NamedRequest extends ReplayRequest {
  readonly id: string;
}

const MOST_TYPES = 100;

/** Tells selected events again. A page at a time, so that memory is bounded whatever the log holds. */
@Injectable()
export class Replay {
  constructor(
    private readonly log: EventLog,
    private readonly letters: DeadLetters,
    private readonly works: ReplayWorks,
    private readonly results: ReplayResults,
  ) {}

  /**
   * @throws SelectionError; nothing was done
   * @throws ReplayStoppedError: some may be done; the same request with the id of the error goes on
   * @throws RedisUnavailableError, DatabaseUnavailableError, InterruptedError, of a request that only counts
   */
  async run(request: ReplayRequest, watcher: ReplayWatcher = {}): Promise<ReplayReport> {
    const named = namedRequest(request);
    let next = request.after;
    const onPage = (upTo: EntryId) => void (next = upTo);
    try {
      return await this.pages(named, watcher, onPage);
    } catch (error) {
      const passes = error instanceof AppError && error.status === 503;
      throw passes && !request.dryRun ? new ReplayStoppedError(error, named.id, next) : error;
    }
  }

  private async pages(
    { selection, target, dryRun, id, after, mostLooked = Number.POSITIVE_INFINITY }: NamedRequest,
    { onProgress, signal }: ReplayWatcher,
    onPage: (upTo: EntryId) => void,
  ): Promise<ReplayReport> {
    const work = this.works.of(target, id);
    let report: ReplayReport = { id, target, dryRun, looked: 0, matched: 0, outcomes: {}, types: {} };
    for await (const page of select({ log: this.log, letters: this.letters, work }, selection, after)) {
      const { entries, letterIds, upTo, looked } = page;
      const results = await (dryRun ? work.preview(entries) : work.perform(entries));
      const outcomes = countOf(results);
      if (!dryRun) await this.results.settle(target, results, letterIds);
      report = {
        ...report,
        looked: report.looked + looked,
        matched: report.matched + entries.length,
        outcomes: addOutcomes(report.outcomes, outcomes),
        types: addTypes(report.types, entries),
      };
      onPage(upTo);
      onProgress?.(report);
      if (signal?.aborted) throw new InterruptedError();
      if (report.looked >= mostLooked) return { ...report, next: upTo };
    }
    return report;
  }
}

/** @throws SelectionError where it contradicts itself */
export function namedRequest(request: ReplayRequest): NamedRequest {
  return { ...request, selection: selectionOf(request), id: idOf(request) };
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

/** A name for a replay that nothing was told under yet. */
export function newReplayId(): string {
  return randomBytes(9).toString('base64url');
}

function idOf({ id = newReplayId(), target }: ReplayRequest): string {
  if (target !== 'assign' && id === ASSIGNMENT)
    throw new SelectionError(
      `The id ${ASSIGNMENT} stands for the giving of events to tenants. Give this replay another one, or none.`,
    );
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
