import { type EntryId, parseEntryId } from './entry-id.js';
import { isData, isEventId, isEventType, isMomentS, isTenantId } from './event-rules.js';
import type { LogEntry } from './log-entry.js';

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/;
const FLAGS = /^s?r?$/;

type Text = string | Buffer;

/**
 * Reads an entry of the log or of a tenant's stream. Never throws: a stream may hold what somebody else put there.
 *
 * @param fields name, value, name, value, …; as texts or bytes
 * @returns undefined for an entry that is not of ours
 */
export function readEntry(id: Text, fields: readonly Text[]): LogEntry | undefined {
  const entryId = parseEntryId(id.toString());
  const found = entryId && collect(fields);
  return found && entryOf(entryId, found);
}

/** What Stripe sent, as it was kept. @returns undefined where the entry has none */
export function packedRaw(fields: readonly Buffer[]): Buffer | undefined {
  for (let at = 0; at + 1 < fields.length; at += 2)
    if (fields[at]?.toString('latin1') === 'z') return fields[at + 1];
  return undefined;
}

type Names = 't' | 'y' | 'e' | 'c' | 'o' | 's' | 'f' | 'd';
const NAMES: ReadonlySet<string> = new Set<Names>(['t', 'y', 'e', 'c', 'o', 's', 'f', 'd']);

/** Each name once; the raw event is left as it is. */
function collect(fields: readonly Text[]): Record<Names, string> | undefined {
  const found: Partial<Record<Names, string>> = {};
  let count = 0;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = letterOf(fields[at] as Text);
    if (name === undefined || !NAMES.has(name)) continue;
    found[name as Names] = (fields[at + 1] as Text).toString();
    count += 1;
  }
  return count === NAMES.size && Object.keys(found).length === count
    ? (found as Record<Names, string>)
    : undefined;
}

/** Each of our names is one; making a text of bytes for each of them would be half of reading an entry. */
function letterOf(name: Text): string | undefined {
  if (name.length !== 1) return undefined;
  return typeof name === 'string' ? name : String.fromCharCode(name[0] as number);
}

function entryOf(id: EntryId, { t, y, e, c, o, s, f, d }: Record<Names, string>): LogEntry | undefined {
  const [createdS, tenantSequence] = [numberOf(c), numberOf(s)];
  const ours =
    isTenantId(t) && isEventType(y) && isEventId(e) && isMomentS(createdS) && FLAGS.test(f) && isData(d);
  if (!ours || !(tenantSequence >= 1)) return undefined;
  const flags = { stale: f.includes('s'), replayed: f.includes('r') };
  return { id, tenantSequence, tenantId: t, type: y, eventId: e, createdS, objectId: o, data: d, ...flags };
}

function numberOf(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
