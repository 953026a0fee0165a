import { LONGEST_PATTERN } from './override.js';
import { LONGEST_LABEL } from './blocked-subject.js';

/** What every instance holds in memory, so it is bounded. */
export const MOST_BLOCKS = 10_000;
export const MOST_OVERRIDES = 1_000;
/** Of a member, a field or a value; the longest that this application writes is less than half of it. */
export const LONGEST_TEXT = 4 * (LONGEST_PATTERN + LONGEST_LABEL) + 256;
export const LONGEST_BLOCK_MS = 366 * 86_400_000;

/** All that operators have set, as it is stored. */
export interface StoredRulings {
  /** Another one after every change; 0: nothing was ever set, or it is lost. */
  readonly version: number;
  /** By member: milliseconds until the block ends. */
  readonly blocks: ReadonlyMap<string, number>;
  /** By field. */
  readonly overrides: ReadonlyMap<string, string>;
}

export type RulingChange =
  | { readonly kind: 'block'; readonly member: string; readonly forMs: number }
  /** Members that may stand for the subject. */
  | { readonly kind: 'unblock'; readonly members: readonly string[] }
  | { readonly kind: 'override'; readonly field: string; readonly value: string }
  | { readonly kind: 'lift'; readonly field: string };

export interface ChangeResult {
  /** `nothing`: there was nothing to lift. `full`: nothing was changed, because there are too many. */
  readonly outcome: 'changed' | 'nothing' | 'full';
  /** The version that the change was made to, and the one that it made. */
  readonly before: number;
  readonly after: number;
}

/** Where rulings are kept: in Redis for all instances, or in this process for itself. */
export interface RulingStore {
  /** @throws RedisUnavailableError, RedisCommandError */
  load(): Promise<StoredRulings>;
  /** @throws RedisUnavailableError, whose change may have been made; RedisCommandError */
  change(change: RulingChange): Promise<ChangeResult>;
  /** @throws RedisUnavailableError */
  version(): Promise<number>;
}
