import type { KeyedLimit, Spending } from './gcra.js';

export const BACKENDS = ['redis', 'memory'] as const;

/** Who counted: the shared Redis, or this process alone. */
export type BackendName = (typeof BACKENDS)[number];

export interface BackendDecision extends Spending {
  readonly backend: BackendName;
  /** The decision is weaker than promised: every instance counts for itself. */
  readonly degraded: boolean;
}

/**
 * Where limits are counted. Earned by three: Redis, this process, and the switch between them. Batching,
 * leases and a cache of denials can be put in front of any of them behind this same method.
 */
export interface RateLimitBackend {
  /** Spends all limits or none. Rejects only when nothing can be said. */
  spend(limits: readonly KeyedLimit[]): Promise<BackendDecision>;
}
