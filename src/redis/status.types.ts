import type { Lane } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';

export type Engine = 'redis' | 'embedded';

/** What a purpose shares with another: nothing, a server, or a server and its logical database. */
export type Isolation = 'instance' | 'database' | 'namespace' | 'unknown';

/** A fact about the server that the purpose relies on, and how sure it is. */
export interface Proof {
  readonly fact:
    | 'topology'
    | 'sentinels'
    | 'identity'
    | 'database'
    | 'role'
    | 'version'
    | 'commands'
    | 'eviction'
    | 'persistence'
    | 'replication'
    | 'anonymous';
  readonly verdict: 'proven' | 'contradicted' | 'unprovable';
  /** One sentence for a person; no secret. */
  readonly detail: string;
}

export interface LaneStatus {
  readonly lane: Lane;
  readonly connected: boolean;
  readonly inFlight: number;
}

/** Everything that may be told about a compartment. Holds no secret. */
export interface PurposeStatus {
  readonly purpose: string;
  readonly engine: Engine;
  /** `degraded`: unavailable, and the outage policy substitutes; `down`: unavailable and closed. */
  readonly state: 'up' | 'degraded' | 'down';
  /** Set unless the state is up. */
  readonly reason?: UnavailableReason;
  /** The reason in words for a person; no secret. */
  readonly detail?: string;
  /** Wall clock of the last change of state, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Duration of the last successful write probe, milliseconds. */
  readonly latencyMs?: number;
  /** Wall clock of the last finished write probe, milliseconds since the epoch. */
  readonly probedAtMs?: number;
  readonly isolation: Isolation;
  /** Other purposes on the same server. */
  readonly sharedWith: readonly string[];
  /** URL without user and password; for a Sentinel or cluster, of the first one that is asked. */
  readonly address: string;
  readonly topology: 'standalone' | 'sentinel' | 'cluster';
  /** `host:port` of the primaries that it talks to now. */
  readonly primaries: readonly string[];
  /** Variable, or code, that the address came from. */
  readonly source: string;
  readonly user: string;
  readonly db: number;
  readonly serverVersion?: string;
  readonly outage: 'degrade' | 'closed';
  readonly namespace: string;
  readonly lanes: readonly LaneStatus[];
  readonly proofs: readonly Proof[];
}
