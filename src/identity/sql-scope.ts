import type { FeatureDatabase, Sql } from '../database/index.js';
import { uuidOf } from '../kernel/uuid.js';

/** In the caller's transaction where there is one, else on a connection of its own. */
export function within<T>(
  db: FeatureDatabase,
  tx: Sql | undefined,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return tx ? work(tx) : db.run(work);
}

/** The server refuses any other text as an id with an error, where the answer should be "no such thing". */
export function isId(text: string): boolean {
  return uuidOf(text) !== undefined;
}

/** Which part of a long list: what follows `after`, `limit` entries at most. */
export interface Page {
  /** Id of the last entry of the part before; undefined: from the beginning. */
  readonly after?: string | undefined;
  /** 1 to 100; 100 when unset. */
  readonly limit?: number | undefined;
}

export function limitOf({ limit = 100 }: Page): number {
  return Math.min(100, Math.max(1, Math.trunc(limit) || 1));
}
