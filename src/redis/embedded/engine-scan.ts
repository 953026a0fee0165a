import type { EngineRegistry, EngineValue, RedisExecutionContext } from './engine-library.js';

type Entry = ReturnType<RedisExecutionContext['db']['entriesSnapshot']>[number];
type Query = { cursor: bigint; count?: number };

const DEFAULT_COUNT = 10;

/**
 * The package pages by position, so that deleting while scanning skips elements. Here the cursor of SCAN is a place
 * in the order of the keys' hashes: a key that exists from the first page to the last is always returned. HSCAN,
 * SSCAN and ZSCAN answer in one page, as Redis does for small values (COUNT is only a hint).
 */
export function mendScans(registry: EngineRegistry): void {
  const scan = registry.get('scan');
  if (scan !== undefined) {
    registry.override({
      ...scan,
      execute: (args: Query, context: RedisExecutionContext) => {
        const { entries, next } = pageFrom(context.db.entriesSnapshot(), args);
        const query = { ...args, cursor: 0n, count: entries.length + 1 };
        const result = scan.execute(query, showingOnly(context, entries));
        if (!(result instanceof Promise) && 'value' in result) setCursor(result.value, next);
        return result;
      },
    });
  }
  for (const name of ['hscan', 'sscan', 'zscan']) {
    const definition = registry.get(name);
    if (definition === undefined) continue;
    registry.override({
      ...definition,
      execute: (args: Query, context: RedisExecutionContext) =>
        definition.execute({ ...args, count: Number.MAX_SAFE_INTEGER }, context),
    });
  }
}

function pageFrom(all: Entry[], { cursor, count }: Query): { entries: Entry[]; next: number } {
  const hashed = all
    .map((entry) => ({ entry, hash: hashOf(entry.key) }))
    .filter(({ hash }) => hash >= Number(cursor))
    .sort((left, right) => left.hash - right.hash);
  const last = hashed[(count ?? DEFAULT_COUNT) - 1]?.hash;
  if (last === undefined) return { entries: hashed.map(({ entry }) => entry), next: 0 };
  const page = hashed.filter(({ hash }) => hash <= last);
  return { entries: page.map(({ entry }) => entry), next: page.length === hashed.length ? 0 : last + 1 };
}

/** FNV-1a, 32 bits. */
function hashOf(key: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function showingOnly(context: RedisExecutionContext, entries: Entry[]): RedisExecutionContext {
  const database: unknown = Object.create(context.db, { entriesSnapshot: { value: () => entries } });
  return Object.create(context, { db: { value: database } }) as RedisExecutionContext;
}

function setCursor(reply: EngineValue, next: number): void {
  if (reply.kind === 'array') reply.items[0] = { kind: 'bulk-string', value: Buffer.from(String(next)) };
}
