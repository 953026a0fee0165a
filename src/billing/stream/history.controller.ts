import { Controller, Get, Query } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { NoStore, ValidationFailedError } from '../../http/index.js';
import { type Cursor, formatCursor, parseCursor } from '../log/cursor.js';
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
   * although `next_cursor` says that it goes on.
   */
  @Get()
  @NoStore()
  @RequireScopes(READ_SCOPE)
  async list(@CurrentUser() { tenantId }: Identity, @Query() query: EventsQueryDto) {
    const { limit = USUAL_LIMIT, types } = query;
    const after = cursorIn('after', query.after);
    const before = cursorIn('before', query.before);
    if (after && before)
      throw new ValidationFailedError([{ field: 'before', rules: ['not together with after'] }]);
    const entries = await this.log.tenantPage(tenantId, {
      count: limit,
      newestFirst: !after,
      ...(after && { after: after.entryId }),
      ...(before && { before: before.entryId }),
    });
    const ours = entries.filter((entry) => entry.tenantId === tenantId);
    const filter = TypeFilter.parse(types);
    const last = entries.length === limit ? entries.at(-1) : undefined;
    return {
      events: ours.filter(({ type }) => !filter || filter.passes(type)).flatMap(shown),
      next_cursor: last ? formatCursor(cursorOf(last)) : null,
      ...missedSince(after, ours[0]),
    };
  }
}

function cursorIn(name: string, text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (!cursor) throw new CursorInvalidError(name);
  return cursor;
}

/** How many events between a cursor and the first one kept have been trimmed. */
function missedSince(after: Cursor | undefined, first: LogEntry | undefined): { missed?: number } {
  const missed = after && first ? first.tenantSequence - after.sequence - 1 : 0;
  return missed > 0 ? { missed } : {};
}

/** Nothing of what somebody else put into the stream, which need not be JSON. */
function shown(entry: LogEntry) {
  const data = jsonOf(shownData(entry));
  return data === undefined ? [] : [{ cursor: formatCursor(cursorOf(entry)), type: entry.type, data }];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
