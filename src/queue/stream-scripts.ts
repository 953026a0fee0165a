import { LuaScript } from '../redis/index.js';

/** An entry as it was taken over. */
export interface ClaimedEntry {
  readonly id: string;
  readonly deliveries: number;
  /** Names and values in turn. */
  readonly fields: readonly Buffer[];
}

export interface Claimed {
  readonly next: string;
  /** The one entry is to be performed with nothing beside it. */
  readonly alone: boolean;
  /** There are entries to be performed alone, by who has nothing in its hands. */
  readonly suspects: boolean;
  readonly entries: readonly ClaimedEntry[];
}

/** Where a group stands, at one moment. */
export interface GroupPosition {
  /** Clock of the server, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Entries of the stream. */
  readonly length: number;
  /** Entries that the group was not given yet; where the server does not know, counted up to a bound. */
  readonly lag: number;
  /** Entries that it was given and has not settled. */
  readonly pending: number;
  /** Ids; undefined where there is none. */
  readonly oldest: string | undefined;
  readonly lastGiven: string | undefined;
  readonly oldestPending: string | undefined;
  readonly oldestWaiting: string | undefined;
}

const script = <Reply>(name: string, decode: (reply: unknown) => Reply, binary = false): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`./scripts/${name}.lua`, import.meta.url), decode, binary });

export const claimEntries = script('claim-entries', claimed, true);
/** Of each entry whether the group still held it. */
export const ackEntries = script('ack-entries', (reply): boolean[] => {
  const signs = text(reply);
  if (!/^[01]*$/.test(signs)) throw new TypeError('not a text of signs');
  return Array.from(signs, (sign) => sign === '1');
});
export const returnEntry = script('return-entry', flag);
export const buryEntry = script('bury-entry', flag);
export const dropConsumers = script('drop-consumers', count);
export const groupPosition = script('group-position', position);

/** Of XREADGROUP on one stream; also where the server has nothing. */
export function readEntries(reply: unknown): readonly ClaimedEntry[] {
  if (reply === null || reply === undefined) return [];
  // A list of pairs, or a map as the newer protocol has it.
  const streams = reply instanceof Map ? [...reply.entries()] : list(reply);
  const [first] = streams;
  if (first === undefined) return [];
  const entries = Array.isArray(first) ? first[1] : streams[1];
  return list(entries).map((entry) => {
    const [id, fields] = list(entry);
    return { id: text(id), deliveries: 1, fields: list(fields).map(bytes) };
  });
}

function claimed(reply: unknown): Claimed {
  const [next, alone, suspects, ...entries] = list(reply);
  return {
    next: text(next),
    alone: flag(alone),
    suspects: flag(suspects),
    entries: entries.map((entry) => {
      const [id, deliveries, fields] = list(entry);
      return { id: text(id), deliveries: count(deliveries), fields: list(fields).map(bytes) };
    }),
  };
}

function position(reply: unknown): GroupPosition {
  const [nowMs, length, lag, pending, ...ids] = list(reply);
  const [oldest, lastGiven, oldestPending, oldestWaiting] = ids.map((id) => text(id) || undefined);
  return {
    nowMs: count(nowMs),
    length: count(length),
    lag: count(lag),
    pending: count(pending),
    oldest,
    lastGiven,
    oldestPending,
    oldestWaiting,
  };
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) throw new TypeError('not a text');
  return value.toString();
}

function bytes(value: unknown): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(text(value));
}

function count(value: unknown): number {
  if (typeof value !== 'number' || value < 0) throw new TypeError('not a count');
  return value;
}

function flag(reply: unknown): boolean {
  return count(reply) === 1;
}
