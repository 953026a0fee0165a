import type { PolicyName } from '../policies/policies.js';
import type { Dimension, LimitOutage } from '../policies/policy.js';

/**
 * What a stream quota is made of: how many streams may be open at once, per whom, and how often one may be opened.
 * All limits of a quota are taken together, or none.
 */
export interface ConcurrentLimitRow {
  readonly per: Dimension;
  /** Streams open at once. */
  readonly streams: number;
  /**
   * The limit is only for those of whom this dimension is not known: `{ per: 'ip', unless: 'user' }` counts anonymous
   * clients, and leaves the users behind one address alone.
   */
  readonly unless?: Dimension;
}

export interface StreamQuotaRow {
  readonly concurrent: readonly ConcurrentLimitRow[];
  /** Policy that bounds how often streams are opened, whether or not they stay. */
  readonly connects?: PolicyName;
  /** A stream whose process does not renew its lease is no longer counted after this, milliseconds. Unset: 45 s. */
  readonly leaseMs?: number;
  /** While Redis is away. `local`: each instance grants its share of every limit. Unset: `local`. */
  readonly outage?: LimitOutage;
}

export type StreamQuotaTable = Readonly<Record<string, StreamQuotaRow>>;
