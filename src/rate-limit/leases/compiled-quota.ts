import { limitTag, sharedTags } from '../limit-tag.js';
import type { PolicyName } from '../policies/policies.js';
import type { Dimension, LimitOutage } from '../policies/policy.js';
import type { ConcurrentLimitRow, StreamQuotaRow, StreamQuotaTable } from './stream-quota.js';
import { StreamQuotaError, assertStreamQuotas, concurrentLimitName } from './stream-quota-rules.js';

const USUAL_LEASE_MS = 45_000;

/** One limit of a stream quota with everything that counting needs computed once. */
export interface ConcurrentLimit {
  readonly quota: string;
  readonly name: string;
  readonly per: Dimension;
  readonly unless: Dimension | undefined;
  /** Streams open at once. */
  readonly streams: number;
  /** First part of the key that a subject's leases are kept under. */
  readonly tag: string;
}

export interface CompiledQuota {
  readonly name: string;
  /** Policy that is checked before a stream opens. */
  readonly connects: PolicyName | undefined;
  readonly leaseMs: number;
  readonly outage: LimitOutage;
  readonly limits: readonly ConcurrentLimit[];
}

/** By name. */
export type Quotas = ReadonlyMap<string, CompiledQuota>;

/**
 * @param hasPolicy whether a policy of this name can be checked
 * @throws StreamQuotaError with every fault of every quota
 */
export function compileQuotas(table: StreamQuotaTable, hasPolicy: (name: string) => boolean): Quotas {
  assertStreamQuotas(table, hasPolicy);
  const quotas = new Map(Object.entries(table).map(([name, quota]) => [name, compileQuota(name, quota)]));
  const shared = sharedTags([...quotas.values()].flatMap(({ limits }) => limits));
  if (shared.length > 0) throw new StreamQuotaError(shared);
  return quotas;
}

function compileQuota(
  name: string,
  { concurrent, connects, leaseMs, outage }: StreamQuotaRow,
): CompiledQuota {
  return {
    name,
    connects,
    leaseMs: leaseMs ?? USUAL_LEASE_MS,
    outage: outage ?? 'local',
    limits: concurrent.map((row) => compileLimit(name, row)),
  };
}

function compileLimit(quota: string, { per, streams, unless }: ConcurrentLimitRow): ConcurrentLimit {
  const name = concurrentLimitName(quota, per);
  return { quota, name, per, unless, streams, tag: limitTag(quota, name, 'streams') };
}
