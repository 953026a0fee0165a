import { printable } from '../../kernel/redact.js';
import { LuaScript } from '../../redis/index.js';
import type { Cursor } from './cursor.js';
import { type EntryId, parseEntryId } from './entry-id.js';

const script = <Reply>(name: string, decode: (reply: unknown) => Reply): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`./scripts/${name}.lua`, import.meta.url), decode });

const list = (reply: unknown, size: number): readonly unknown[] => {
  if (!Array.isArray(reply) || reply.length !== size) throw new TypeError(`not ${size} of them`);
  return reply;
};

const count = (value: unknown): number => {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw new TypeError('not a count');
  return number;
};

const LONGEST_REFUSAL = 200;

const entryId = (value: unknown): EntryId => {
  const id = typeof value === 'string' ? parseEntryId(value) : undefined;
  if (!id) throw new TypeError('not the id of an entry');
  return id;
};

const cursor = (id: unknown, sequence: unknown): Cursor | undefined =>
  id === '' ? undefined : { entryId: entryId(id), sequence: count(sequence) };

export interface AppendOutcome {
  readonly entryId: EntryId;
  /** From 1, among the entries of the tenant. */
  readonly tenantSequence: number;
  /** The event was there already; the others say how it was kept then. */
  readonly duplicate: boolean;
  /** An event of the same object with a later `created` stood before it. */
  readonly stale: boolean;
}

/** What became of one event of a batch; `refusal`: why the server did not keep it, its code first. */
export type AppendAnswer = AppendOutcome | { readonly refusal: string };

const APPENDED = /^(\d+-\d+)\.(\d+)\.([01])\.([01])$/;

const UNREADABLE: AppendAnswer = { refusal: 'REPLY the server answered in another shape' };

function appended(one: unknown): AppendAnswer {
  if (typeof one !== 'string') throw new TypeError('not a text');
  if (one.startsWith('!')) return { refusal: printable(one.slice(1), LONGEST_REFUSAL) };
  const [, id, sequence, stale, duplicate] = APPENDED.exec(one) ?? [];
  return {
    entryId: entryId(id),
    tenantSequence: count(sequence),
    duplicate: duplicate === '1',
    stale: stale === '1',
  };
}

/** Of each event its own answer: one that cannot be read is a refusal of that event. */
export const appendEvents = script('append', (reply): AppendAnswer[] => {
  if (!Array.isArray(reply)) throw new TypeError('not a list');
  return reply.map((one: unknown) => {
    try {
      return appended(one);
    } catch {
      // Its own failure: the others of the batch were kept.
      return UNREADABLE;
    }
  });
});

/** Of each event whether it was taken before. */
export const knownEvents = script('known', (reply): boolean[] => {
  if (typeof reply !== 'string' || !/^[01]*$/.test(reply)) throw new TypeError('not a text of signs');
  return Array.from(reply, (sign) => sign === '1');
});

/** What is kept of a tenant's stream. */
export interface TenantPosition {
  readonly oldest?: Cursor;
  readonly newest?: Cursor;
  /** How many entries the tenant has had; 0: none. */
  readonly sequence: number;
}

export const readTenantPosition = script('tenant-position', (reply): TenantPosition => {
  const [oldestId, oldestSequence, newestId, newestSequence, sequence] = list(reply, 5);
  const oldest = cursor(oldestId, oldestSequence);
  const newest = cursor(newestId, newestSequence);
  return { ...(oldest && { oldest }), ...(newest && { newest }), sequence: count(sequence || 0) };
});

export const trimLog = script('trim-log', (reply) => {
  const [removed, length, oldestAgeMs, held, more] = list(reply, 5).map(count) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { removed, length, oldestAgeMs, held: held === 1, more: more === 1 };
});

export const trimTenant = script('trim-tenant', (reply) => {
  const [removed, foreign] = list(reply, 2).map(count) as [number, number];
  return { removed, foreign: foreign === 1 };
});

/** Which run of which server holds the log, and which log that is. */
export interface LogIdentity {
  /** 40 hexadecimal digits; others after a restart and after a fail-over. Empty where the server does not say. */
  readonly runId: string;
  /** Hexadecimal digits; others after the log was deleted, as when its server is emptied. */
  readonly birth: string;
}

export const logIdentity = script('log-identity', (reply): LogIdentity => {
  const [runId, birth] = list(reply, 2);
  if (typeof runId !== 'string' || !/^([0-9a-f]{40})?$/.test(runId)) throw new TypeError('not a run id');
  if (typeof birth !== 'string' || !/^[0-9a-f]{1,64}$/.test(birth)) throw new TypeError('not a birth');
  return { runId, birth };
});
