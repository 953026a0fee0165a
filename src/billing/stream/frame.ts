import { type Cursor, formatCursor } from '../log/cursor.js';
import type { LogEntry } from '../log/log-entry.js';

/** Why a client does not have everything that happened since its cursor. */
export type Gap =
  /** Entries were trimmed: exactly so many are missing between `from` and `oldest`. */
  | { readonly reason: 'trimmed'; readonly from: Cursor; readonly oldest?: Cursor; readonly missed: number }
  /** `invalid`: no cursor of ours. `unknown`: one that nothing here follows. `reset`: the log began anew. */
  | { readonly reason: 'invalid' | 'unknown' | 'reset' };

/** What makes a line of its own in an event stream, or would end a header of it. */
const LINE_END = /\r\n|\r|\n/;
const STEERING = /[\0\r\n]/g;

export const HEARTBEAT_COMMENT = Buffer.from(':\n\n');
export const HEARTBEAT_EVENT = Buffer.from('event: heartbeat\ndata: {}\n\n');

/** An event as clients get it: `id`, `event` and `data` in one line. */
export function eventFrame(entry: LogEntry): Buffer {
  const cursor = formatCursor(cursorOf(entry));
  const type = entry.type.replace(STEERING, ' ');
  return Buffer.from(`id: ${cursor}\nevent: ${type}\n${dataLines(shownData(entry))}\n`);
}

export function cursorOf({ id, tenantSequence }: Pick<LogEntry, 'id' | 'tenantSequence'>): Cursor {
  return { entryId: id, sequence: tenantSequence };
}

/** The JSON of an event with what only the reader's side knows: that it is late, or told once more. */
export function shownData({ data, stale, replayed }: LogEntry): string {
  if (!stale && !replayed) return data;
  const flags = [stale ? '"stale":true' : '', replayed ? '"replayed":true' : ''].filter(Boolean).join();
  // Ours is an object in one line; whatever else stands there is told as it is.
  if (!data.endsWith('}')) return data;
  return data === '{}' ? `{${flags}}` : `${data.slice(0, -1)},${flags}}`;
}

/** Control events have no id: a client's cursor stays where it is. */
export function gapFrame(gap: Gap): Buffer {
  if (gap.reason !== 'trimmed') return controlFrame('gap', { reason: gap.reason });
  const { reason, from, oldest, missed } = gap;
  const kept = oldest ? formatCursor(oldest) : null;
  return controlFrame('gap', { reason, from: formatCursor(from), oldest: kept, missed });
}

/** What is missing between two events of a tenant; undefined where the second follows the first. */
export function gapBetween(from: Cursor, next: Cursor): Gap | undefined {
  const missed = next.sequence - from.sequence - 1;
  if (missed === 0) return undefined;
  return missed > 0 ? { reason: 'trimmed', from, oldest: next, missed } : { reason: 'unknown' };
}

/** Said before a stream is ended from here. */
export function byeFrame(reason: string, retryMs?: number): Buffer {
  const bye = controlFrame('bye', { reason });
  return retryMs === undefined ? bye : Buffer.concat([retryFrame(retryMs), bye]);
}

/** How long a browser waits before it comes again, milliseconds. */
export function retryFrame(ms: number): Buffer {
  return Buffer.from(`retry: ${Math.round(ms)}\n\n`);
}

/** Gives a client its cursor without an event. */
export function cursorFrame(cursor: Cursor): Buffer {
  return Buffer.from(`id: ${formatCursor(cursor)}\n\n`);
}

function controlFrame(name: string, fields: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(fields)}\n\n`);
}

/** One line of ours is one `data:`; a foreign text with line breaks must not become fields of its own. */
function dataLines(text: string): string {
  if (!/[\r\n]/.test(text)) return `data: ${text}\n`;
  return text
    .split(LINE_END)
    .map((line) => `data: ${line}\n`)
    .join('');
}
