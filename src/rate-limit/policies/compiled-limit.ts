import { limitTag } from '../limit-tag.js';
import type { Dimension, LimitOutage, LimitRow, Policy, QuotaUnit } from './policy.js';
import { limitName } from './policy-rules.js';

/**
 * How long a generation of states may live, microseconds. A state is of use for as long as its limit takes to be
 * full again, so every limit belongs to the shortest generation that outlasts it (docs/adr/0021).
 */
const GENERATIONS_US = [60, 600, 7_200, 86_400, 604_800, 6_048_000].map((seconds) => seconds * 1_000_000);

/** One limit with everything that counting needs computed once. */
export interface CompiledLimit {
  readonly policy: string;
  readonly name: string;
  readonly per: Dimension;
  readonly kind: 'rate' | 'window';
  readonly quota: number;
  readonly burst: number;
  readonly windowMs: number;
  /** rate: microseconds in which one unit is earned back; window: length of the window in microseconds. */
  readonly periodUs: number;
  /** rate: microseconds of a spent burst; window: units per window. */
  readonly capacity: number;
  /** Lifetime of the generation that its states are kept in, microseconds. */
  readonly generationUs: number;
  readonly outage: LimitOutage;
  readonly credential: boolean;
  readonly unit: QuotaUnit;
  /** Whether headers say, by an opaque key, whose limit it is. */
  readonly partitionKey: boolean;
  /** What its denials are worth: a denial that somebody's success may lift is not remembered. */
  readonly remembersDenials: boolean;
  /** Set by an operator for some subjects: they are free of the limit, or it counts and never denies. */
  readonly spared: 'exempt' | 'shadow' | undefined;
  /** First part of the field that a subject's state is kept in. */
  readonly tag: string;
}

export function compileLimit(policy: string, definition: Policy, row: LimitRow): CompiledLimit {
  const { per, quota, windowMs, outage = 'local' } = row;
  const windowUs = Math.round(windowMs * 1000);
  const kind = row.kind ?? 'rate';
  const burst = row.kind === 'window' ? quota : row.burst;
  // Rounded up: a quota that does not divide its window admits a little less, never more.
  const periodUs = kind === 'rate' ? Math.ceil(windowUs / quota) : windowUs;
  const name = limitName(policy, definition, row);
  return {
    policy,
    name,
    per,
    kind,
    quota,
    burst,
    windowMs,
    periodUs,
    capacity: kind === 'rate' ? periodUs * burst : quota,
    generationUs: generationOf(kind === 'rate' ? periodUs * burst : 2 * windowUs),
    outage,
    credential: definition.credential ?? false,
    unit: definition.unit ?? 'requests',
    partitionKey: definition.partitionKey ?? false,
    remembersDenials: definition.counts !== 'failures',
    spared: undefined,
    tag: limitTag(policy, name, kind),
  };
}

function generationOf(lifetimeUs: number): number {
  return GENERATIONS_US.find((lengthUs) => lengthUs >= lifetimeUs) ?? lifetimeUs;
}
