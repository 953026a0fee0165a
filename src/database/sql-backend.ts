import type { DatabaseSnapshot } from './database-status.js';
import type { SqlEngine } from './sql-engine.js';
import type { SqlFailure } from './sql-failure.js';

/** What a backend says of itself; the rest of a snapshot is about its users. */
export type BackendState = Omit<DatabaseSnapshot, 'features' | 'connections'>;

/** PostgreSQL or the embedded engine, and whether calls are let in. */
export interface SqlBackend {
  readonly state: BackendState;
  /** Open connections, that of the probe included. */
  readonly open: number;
  /** How many connections there may be. */
  readonly most: number;
  /** Whether a call is let in without having to open anything first. */
  readonly isOpen: boolean;
  /**
   * Begins to look after itself, and settles when it is up or the start deadline is over.
   *
   * @throws DatabaseStartupError when settings and server contradict each other
   */
  start(): Promise<void>;
  /** @throws SqlFailureError when no call is let in */
  enter(): Promise<SqlEngine>;
  /** A call met this: a reason to look again, perhaps. */
  note(failure: SqlFailure): void;
  close(deadlineMs: number): Promise<void>;
}
