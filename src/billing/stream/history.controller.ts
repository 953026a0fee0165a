import { Controller, Get, Query } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { NoStore, ValidationFailedError } from '../../http/index.js';
import { type Cursor, formatCursor, parseCursor } from '../log/cursor.js';
import { jsonOf } from '../log/entry-data.js';
import { compareEntryIds } from '../log/entry-id.js';
import { EventLog } from '../log/event-log.js';
import type { LogEntry } from '../log/log-entry.js';
import { cursorOf, shownData } from './frame.js';
import { EventsQueryDto } from './stream.dto.js';
import { CursorInvalidError } from './stream.errors.js';
import { READ_SCOPE } from './stream-identity.js';
import { TypeFilter } from './type-filter.js';

const USUAL_LIMIT = 50;

/** What the tenant of whoever asks was billed, page by page in both directions. */
@Controller('billing/events')
export class HistoryController {
  constructor(private readonly log: EventLog) {}

  /**
   * Newest first, unless `after` asks for what came later. With `types` a page may hold fewer events than there is room for
   * although `next_cursor` says that it goes on. `missed` counts what is not kept any more between `after` and the first
   * event, and is null where nobody knows, since nothing of ours is as late as `after`; where nothing later is kept,
   * `next_cursor` stands behind it.
   */
  @Get()
  @NoStore()
  @RequireScopes(READ_SCOPE)
  async list(@CurrentUser() { tenantId }: Identity, @Query() query: EventsQueryDto) {
    const { limit = USUAL_LIMIT, types } = query;
    const after = cursorIn('after', query.after);
    const before = cursorIn('before', query.before);
    if (after && before)
      throw new ValidationFailedError([
        {
          field: 'before',
          rules: ['not together with after'],
          message: 'before cannot be sent together with after',
        },
      ]);
    const entries = await this.log.tenantPage(tenantId, {
      count: limit,
      newestFirst: !after,
      ...(after && { after: after.entryId }),
      ...(before && { before: before.entryId }),
    });
    const ours = entries.filter((entry) => entry.tenantId === tenantId);
    const first = ours[0];
    if (after && entries.length === 0) return await this.nothingAfter(tenantId, after);
    const filter = TypeFilter.parse(types);
    const last = entries.length === limit ? entries.at(-1) : undefined;
    return {
      events: ours.filter(({ type }) => !filter || filter.passes(type)).flatMap(shown),
      next_cursor: last ? formatCursor(cursorOf(last)) : null,
      ...(after && first && missed(first.tenantSequence - 1 - after.sequence)),
    };
  }

  private async nothingAfter(tenantId: string, after: Cursor) {
    const { newest, sequence } = await this.log.tenantPosition(tenantId);
    const last = newest ?? { entryId: await this.log.tail(), sequence };
    // Counting from a cursor that nobody was given says nothing, and going on from it would lead nowhere.
    if (compareEntryIds(after.entryId, last.entryId) > 0)
      return { events: [], next_cursor: formatCursor(last), ...missed(null) };
    // What came since the page was read is told with the next one, and what is missing before it as well.
    const since = newest !== undefined && compareEntryIds(newest.entryId, after.entryId) > 0;
    const gone = since ? 0 : sequence - after.sequence;
    const behind: Cursor = { entryId: after.entryId, sequence };
    return { events: [], next_cursor: gone > 0 ? formatCursor(behind) : null, ...missed(gone) };
  }
}

function cursorIn(name: string, text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (!cursor) throw new CursorInvalidError(name);
  return cursor;
}

/** @param count of events that have been trimmed; below 0 where the numbers began anew, null where nobody knows */
function missed(count: number | null): { missed?: number | null } {
  return count === null || count > 0 ? { missed: count } : {};
}

/** Nothing of what somebody else put into the stream, which need not be JSON. */
function shown(entry: LogEntry) {
  const data = jsonOf(shownData(entry));
  return data === undefined ? [] : [{ cursor: formatCursor(cursorOf(entry)), type: entry.type, data }];
}
