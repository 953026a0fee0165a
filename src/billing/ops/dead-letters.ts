import { Injectable } from '@nestjs/common';
import { failClosed, InjectRedis, type PurposeRedis } from '../../redis/index.js';
import { type EntryId, NEWEST, ORIGIN, parseEntryId } from '../log/entry-id.js';
import { EventLog } from '../log/event-log.js';
import { DEAD_LETTERS_KEY } from '../log/keys.js';
import type { LogEntry } from '../log/log-entry.js';

/** What the projector has given up. */
export interface DeadLetter {
  /** Of the letter, not of the entry. */
  readonly id: EntryId;
  /** Of the log; empty where the letter is foreign. */
  readonly entryId: string;
  /** One word. */
  readonly reason: string;
  readonly deliveries: number;
  /** Undefined where the entry is not one of ours: it can be looked at and discarded, and not told again. */
  readonly entry?: LogEntry;
}

export interface LetterPage {
  readonly letters: readonly DeadLetter[];
  /** Where to go on; undefined where there are no more. */
  readonly next?: EntryId;
}

const LONGEST_REASON = 100;

/** The dead letters of billing. Every call throws RedisUnavailableError where Redis does not answer. */
@Injectable()
export class DeadLetters {
  constructor(
    @InjectRedis('billingEvents', 'bulk') private readonly bulk: PurposeRedis<'billingEvents'>,
    private readonly log: EventLog,
  ) {}

  count(): Promise<number> {
    return failClosed('billingEvents', () => this.bulk.xlen(DEAD_LETTERS_KEY));
  }

  /** Oldest first. @param after behind this letter @param upTo not behind this one */
  async page(after: EntryId, count: number, upTo: EntryId | '+' = '+'): Promise<LetterPage> {
    // Redis refuses a bound that nothing can lie behind.
    if (after === NEWEST) return { letters: [] };
    const rows = await failClosed('billingEvents', () =>
      this.bulk.xrangeBuffer(DEAD_LETTERS_KEY, `(${after}`, upTo, 'COUNT', count),
    );
    const letters = rows.map(([id, fields]) => this.letterOf(id.toString() as EntryId, fields));
    const last = letters.at(-1);
    return { letters, ...(last && letters.length === count ? { next: last.id } : {}) };
  }

  /** @returns it, or nothing where there is no such letter */
  async one(id: EntryId): Promise<readonly DeadLetter[]> {
    const rows = await failClosed('billingEvents', () =>
      this.bulk.xrangeBuffer(DEAD_LETTERS_KEY, id, id, 'COUNT', 1),
    );
    return rows.map(([, fields]) => this.letterOf(id, fields));
  }

  async newest(): Promise<EntryId> {
    const [last] = await failClosed('billingEvents', () =>
      this.bulk.xrevrangeBuffer(DEAD_LETTERS_KEY, '+', '-', 'COUNT', 1),
    );
    return parseEntryId(last?.[0].toString() ?? '') ?? ORIGIN;
  }

  /** @returns how many of them were there */
  async remove(ids: readonly EntryId[]): Promise<number> {
    return ids.length === 0
      ? 0
      : await failClosed('billingEvents', () => this.bulk.xdel(DEAD_LETTERS_KEY, ...ids));
  }

  private letterOf(id: EntryId, fields: readonly Buffer[]): DeadLetter {
    const known = new Map<string, string>();
    // The first four are the letter's own; an entry may have fields of the same names.
    for (let at = 0; at + 1 < Math.min(fields.length, 8); at += 2)
      known.set(String(fields[at]), String(fields[at + 1]));
    const entryId = parseEntryId(known.get('entry') ?? '');
    const entry = entryId && this.log.parseFields(entryId, fields.slice(8));
    const deliveries = Number(known.get('deliveries'));
    return {
      id,
      entryId: entryId ?? '',
      reason: (known.get('reason') ?? 'unknown').slice(0, LONGEST_REASON),
      deliveries: Number.isSafeInteger(deliveries) ? deliveries : 0,
      ...(entry && { entry }),
    };
  }
}
