import type { CompiledQuota, ConcurrentLimit } from './compiled-quota.js';

/** The place of a stream under one limit of one subject. */
export interface Seat {
  readonly limit: ConcurrentLimit;
  /** The leases of this subject are kept under this key. */
  readonly key: string;
}

/** One open stream, as it is counted: a place under every limit of its quota that applies. */
export interface Lease {
  readonly id: string;
  readonly quota: CompiledQuota;
  readonly seats: readonly Seat[];
  /** Whether Redis counts it beside this process; false where this process was chosen to count alone. */
  readonly shared: boolean;
  /** When Redis last gave it a new life; monotonic milliseconds. */
  renewedAtMs: number;
}

/** Leases in one script call: enough that the call's own price is nothing, few enough that Redis is not held up. */
export const MOST_LEASES_PER_CALL = 256;
