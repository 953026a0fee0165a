import { type EntryId, ORIGIN, compareEntryIds, idAfter, laterId } from '../../log/entry-id.js';
import type { EventLog } from '../../log/event-log.js';
import { isEventId, isTenantId } from '../../log/event-rules.js';
import type { LogEntry } from '../../log/log-entry.js';
import { TYPE_GLOBS, TypeFilter } from '../../stream/type-filter.js';
import type { DeadLetters, LetterPage } from '../dead-letters.js';
import { SelectionError } from '../ops.errors.js';
import type { ReplayWork } from './replay-target.js';

/** Which entries of the log; all that is given has to fit, and something has to be given. */
export interface Selection {
  readonly eventId?: string;
  /** When they were taken in, milliseconds since the epoch, both inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Comma-separated globs, such as `invoice.*`. */
  readonly types?: string;
  /** A UUID, or `_unassigned`. */
  readonly tenantId?: string;
  /** Of what the projector has given up; else of the log. Times are then those of giving up. */
  readonly deadLetters?: boolean;
}

/** A page of what was looked at. */
export interface Selected {
  readonly entries: readonly LogEntry[];
  /** Dead letters that hold them, in the same order; undefined where they are from the log. */
  readonly letterIds?: readonly EntryId[];
  /** Everything up to here was looked at. */
  readonly upTo: EntryId;
  readonly looked: number;
}

const PAGE = 200;
const MOST_SEQUENCE = '18446744073709551615';

/** @throws SelectionError */
export function assertSelection(selection: Selection): void {
  const { eventId, fromMs, toMs, types, tenantId } = selection;
  if (Object.values(selection).every((one) => one === undefined || one === false))
    throw new SelectionError(
      'Say which events: by id, time, type, tenant or dead letters. Everything is type "*".',
    );
  if (eventId !== undefined && !isEventId(eventId))
    throw new SelectionError('An id of an event has letters, digits, - and _, such as evt_1Ox.');
  if (tenantId !== undefined && !isTenantId(tenantId))
    throw new SelectionError(
      'A tenant is a UUID in lower case, as GET /v1/tenants shows it, or _unassigned for events that nobody owns.',
    );
  if (types !== undefined && !TYPE_GLOBS.test(types))
    throw new SelectionError('Types are globs such as invoice.*,customer.subscription.*, at most 20.');
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs)
    throw new SelectionError(
      'The time range is empty: it ends before it begins. Exchange the two moments, or leave one out.',
    );
}

/**
 * Pages of entries that are selected, oldest first. Of the log, which may hold an event several times, those that the work
 * chooses. What is appended while it runs is not looked at, so that it ends.
 *
 * @param after goes on behind this entry, or letter
 * @throws RedisUnavailableError
 */
export function select(
  { log, letters, work }: Sources,
  selection: Selection,
  after: EntryId = ORIGIN,
): AsyncGenerator<Selected> {
  if (selection.deadLetters) return fromLetters(letters, selection, after);
  return selection.eventId === undefined
    ? fromLog({ log, work }, selection, after)
    : oneEvent(log, selection);
}

export interface Sources {
  readonly log: EventLog;
  readonly letters: DeadLetters;
  readonly work: Pick<ReplayWork, 'choose'>;
}

async function* oneEvent(log: EventLog, selection: Selection): AsyncGenerator<Selected> {
  const entry = await log.find(selection.eventId ?? '');
  if (!entry) return;
  const fits = filterOf(selection)(entry) && inTime(selection, entry.id);
  yield { entries: fits ? [entry] : [], upTo: entry.id, looked: 1 };
}

async function* fromLog(
  { log, work }: Omit<Sources, 'letters'>,
  selection: Selection,
  after: EntryId,
): AsyncGenerator<Selected> {
  const passes = filterOf(selection);
  let from = laterId(after, idBeforeMs(selection.fromMs));
  const before = await endOf(log, selection);
  for (;;) {
    const page = await log.page({ after: from, before, count: PAGE });
    const last = page.at(-1);
    if (!last) return;
    from = last.id;
    yield {
      entries: await work.choose(page.filter(passes)),
      upTo: from,
      looked: page.length,
    };
    if (page.length < PAGE) return;
  }
}

async function* fromLetters(
  source: DeadLetters,
  selection: Selection,
  after: EntryId,
): AsyncGenerator<Selected> {
  const passes = filterOf(selection);
  const end = await source.newest();
  for (let from: EntryId | undefined = after; from !== undefined;) {
    const page: LetterPage = await source.page(from, PAGE, end);
    const last = page.letters.at(-1);
    if (!last) return;
    const found = page.letters.flatMap(({ id, entry }) =>
      entry && passes(entry) && inTime(selection, id) ? [{ id, entry }] : [],
    );
    yield {
      entries: found.map(({ entry }) => entry),
      letterIds: found.map(({ id }) => id),
      upTo: last.id,
      looked: page.letters.length,
    };
    from = page.next;
  }
}

function filterOf({ eventId, tenantId, types }: Selection): (entry: LogEntry) => boolean {
  const filter = TypeFilter.parse(types);
  return (entry) =>
    (eventId === undefined || entry.eventId === eventId) &&
    (tenantId === undefined || entry.tenantId === tenantId) &&
    (filter?.passes(entry.type) ?? true);
}

async function endOf(log: EventLog, { toMs }: Selection): Promise<EntryId> {
  const tail = idAfter(await log.tail());
  if (toMs === undefined) return tail;
  const end: EntryId = `${toMs + 1}-0`;
  return compareEntryIds(end, tail) < 0 ? end : tail;
}

function inTime({ fromMs = 0, toMs = Number.POSITIVE_INFINITY }: Selection, id: EntryId): boolean {
  const ms = Number(id.split('-', 1)[0]);
  return ms >= fromMs && ms <= toMs;
}

function idBeforeMs(ms: number | undefined): EntryId {
  return ms === undefined || ms <= 0 ? ORIGIN : `${ms - 1}-${MOST_SEQUENCE}`;
}
