import type { Observable } from 'rxjs';
import type { SqlUnavailableReason } from './database.errors.js';

export type SqlEngineKind = 'postgres' | 'pglite';

/** `opening`: reached but not migrated yet, or embedded and not asked for anything yet. */
export type DatabaseState = 'up' | 'down' | 'opening';

/** How much one feature uses of what it may. */
export interface FeatureUse {
  readonly feature: string;
  readonly most: number;
  readonly inUse: number;
  readonly waiting: number;
}

/** Everything that may be told about SQL. Holds no secret. */
export interface DatabaseSnapshot {
  readonly engine: SqlEngineKind;
  readonly state: DatabaseState;
  /** Calls are let in; also while the embedded engine waits for its first one, which opens it. */
  readonly available: boolean;
  /** Set unless calls are let in. */
  readonly reason?: SqlUnavailableReason;
  /** The reason in words for a person; no secret. */
  readonly detail?: string;
  /** Wall clock of the last change of state, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Duration of the last successful probe, milliseconds. */
  readonly latencyMs?: number;
  /** Wall clock of the last finished probe, milliseconds since the epoch. */
  readonly probedAtMs?: number;
  /** URL without user and password; for the embedded engine its folder, or `memory`. */
  readonly address: string;
  /** Variable, or profile, that the address came from. */
  readonly source: string;
  readonly user?: string;
  readonly tls: boolean;
  readonly serverVersion?: string;
  /** Open connections, the one of the probe included, and how many there may be. */
  readonly connections: { readonly open: number; readonly most: number };
  readonly features: readonly FeatureUse[];
}

/** What may be known about SQL, for health, logs, metrics and the console. It only looks. */
export abstract class DatabaseStatus {
  /** Whether any module uses SQL; nothing else may be asked where none does. */
  abstract readonly active: boolean;
  /** Whether the application is not ready without it (DATABASE_REQUIRED). */
  abstract readonly required: boolean;
  abstract snapshot(): DatabaseSnapshot;
  /** The present status, then every change of state or reason. */
  abstract changes(): Observable<DatabaseSnapshot>;
}
