import type { GroupPosition } from '../../queue/index.js';
import { type Cursor } from '../log/cursor.js';
import { type EntryId, ORIGIN, compareEntryIds, idAfter, idBefore, parseEntryId } from '../log/entry-id.js';
import type { EventLog } from '../log/event-log.js';

/** The newest id up to which everything was applied: the last that the group was given, or just before what it still has. */
export function appliedUpTo({ lastGiven, oldestPending }: GroupPosition): EntryId {
  const given = parseEntryId(lastGiven ?? ORIGIN) ?? ORIGIN;
  const pending = oldestPending === undefined ? undefined : parseEntryId(oldestPending);
  if (!pending) return given;
  const before = idBefore(pending);
  return compareEntryIds(before, given) < 0 ? before : given;
}

/** Where a client of one tenant goes on that has everything up to `upTo`, which need not be an entry of the tenant. */
export async function tenantCursor(log: EventLog, tenantId: string, upTo: EntryId): Promise<Cursor> {
  const [last] = await log.tenantPage(tenantId, { before: idAfter(upTo), count: 1, newestFirst: true });
  if (last) return { entryId: last.id, sequence: last.tenantSequence };
  // Nothing of it is kept: the number is the one before the oldest that is, which lies behind `upTo`.
  const { oldest, sequence } = await log.tenantPosition(tenantId);
  return { entryId: upTo, sequence: oldest ? oldest.sequence - 1 : sequence };
}
