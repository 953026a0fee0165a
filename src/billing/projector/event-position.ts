import type { LogEntry } from '../log/log-entry.js';

const MOST_DIGITS = 20;
const CREATED_DIGITS = 16;
/** An event from further in the future than this, as the log's clock has it, does not outrank all that come for years. */
const MOST_AHEAD_S = 86_400;

/**
 * Where an event stands among those of its object, as a text of fixed length: of two events the one with the greater text
 * holds. By the time that Stripe gave it; in one second by its place in the log; told again after told first, since an
 * entry that repeats an old event lies behind newer ones. A total order that needs the entry alone: whatever the order in
 * which entries are applied, and however often, the same one wins.
 */
export function eventPosition({ id, createdS, replayed }: LogEntry): string {
  const [ms, sequence] = id.split('-') as [string, string];
  const latestS = BigInt(ms) / 1000n + BigInt(MOST_AHEAD_S);
  const byLog = latestS < BigInt(createdS) ? latestS : BigInt(createdS);
  const created = String(byLog).padStart(CREATED_DIGITS, '0');
  const first = replayed ? '0' : '1';
  return `${created}${first}${ms.padStart(MOST_DIGITS, '0')}${sequence.padStart(MOST_DIGITS, '0')}`;
}
