import type { FastifyRequest } from 'fastify';
import { isRepeated } from '../../http/index.js';
import { type Cursor, parseCursor } from '../log/cursor.js';
import { CursorInvalidError } from './stream.errors.js';
import type { StartAt } from './subscription.js';

/** Whether the client reads an event stream: it gets events where an error would close it for good. */
export function isEventSource({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers.accept?.toLowerCase().includes('text/event-stream') ?? false;
}

/**
 * Where a client stands: by Last-Event-ID, which browsers send when they come back, else by the query of the first time.
 *
 * @param query `last_event_id`, whatever it is
 * @throws CursorInvalidError (400) for what is no cursor, unless the client is an EventSource
 */
export function startOf(request: Pick<FastifyRequest, 'headers' | 'raw'>, query: unknown): StartAt {
  const header = request.headers['last-event-id'];
  const place = header === undefined ? 'last_event_id' : 'Last-Event-ID';
  const given = header ?? query;
  if (given === undefined || given === '') return 'now';
  const cursor = isRepeated(request.raw.rawHeaders, 'last-event-id') ? undefined : cursorIn(given);
  if (cursor) return cursor;
  if (isEventSource(request)) return 'invalid';
  throw new CursorInvalidError(place);
}

function cursorIn(given: unknown): Cursor | undefined {
  return typeof given === 'string' ? parseCursor(given) : undefined;
}
