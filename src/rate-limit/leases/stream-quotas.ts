import type { LimitEngine } from '../limit-engine.js';
import type { RateLimitDecision } from '../decision.js';
import type { Dimension, Subjects } from '../policies/policy.js';
import { subjectValue } from '../policies/subject-value.js';
import type { Subject } from '../counting/subject.js';
import type { CompiledQuota, Quotas } from './compiled-quota.js';
import type { Seat } from './lease.js';
import type { LeaseMetrics } from './lease-metrics.js';
import type { Admission, Leases, SeatOutcome } from './leases.js';
import type { StreamDecision, StreamOpening } from './stream-decision.js';
import type { StreamRuling } from './stream-ruling.js';
import type { StreamQuotaName } from './stream-quotas.table.js';

export interface StreamQuotasParts {
  readonly quotas: Quotas;
  readonly engine: LimitEngine;
  readonly leases: Leases;
  readonly metrics: LeaseMetrics;
  readonly ruling: StreamRuling;
  /** Namespace of the purpose and hash tag: `rl:{g}`. */
  readonly prefix: string;
  readonly nowMs: () => number;
}

/**
 * Decides whether a stream may be opened: how often first, then how many at once. Guards, handlers of event streams and
 * workers call it; whoever opens a stream closes its lease when the stream ends, however it ends.
 */
export class StreamQuotas {
  private readonly dimensions = new Map<string, ReadonlySet<Dimension>>();

  constructor(private readonly parts: StreamQuotasParts) {}

  /**
   * @param subjects who opens it, as far as it is known. Limits of a dimension that is not given do not apply; a block
   *   of any that is given does, counted or not.
   * @returns the lease to close when the stream ends, or why there is none; a denial is a value
   * @throws RangeError for an unknown quota, or where no limit would count this stream; RedisUnavailableError where the
   *   purpose is closed while Redis is away
   */
  async open(name: StreamQuotaName, subjects: Subjects): Promise<StreamOpening> {
    const quota = this.quota(name);
    const seats = this.seatsOf(quota, subjects);
    const blocked = this.blockedFor(name, subjects);
    if (blocked > 0) return this.deny(quota, blockedDecision(blocked));
    const connects = await this.checkConnects(quota, subjects);
    if (connects && !connects.allowed) return this.deny(quota, { ...connectsDenied(connects), connects });
    const { engine, leases, metrics } = this.parts;
    const shared = engine.countsInRedis((seats[0] as CountedSeat).subject);
    const admission = await leases.acquire(quota, seats, shared);
    const decision = decisionOf(seats, admission, connects);
    const { lease } = admission;
    if (!lease) return this.deny(quota, decision);
    metrics.decided(quota.name, decision);
    const close = (): void => leases.close(lease);
    return { allowed: true, lease: { id: lease.id, close }, decision };
  }

  /** Dimensions that say who opens a stream of this quota. @throws RangeError for an unknown quota */
  dimensionsOf(name: string): ReadonlySet<Dimension> {
    let known = this.dimensions.get(name);
    if (!known) {
      const { limits, connects } = this.quota(name);
      const asked = limits.flatMap(({ per, unless }) => (unless ? [per, unless] : [per]));
      const plan = connects === undefined ? undefined : this.parts.engine.book.plan(connects);
      known = new Set([...asked, ...(plan?.dimensions ?? [])]);
      this.dimensions.set(name, known);
    }
    return known;
  }

  private quota(name: string): CompiledQuota {
    const quota = this.parts.quotas.get(name);
    if (!quota) throw new RangeError(`There is no stream quota "${name}"`);
    return quota;
  }

  private seatsOf({ name, limits }: CompiledQuota, subjects: Subjects): CountedSeat[] {
    const { engine, ruling, prefix } = this.parts;
    const seats: CountedSeat[] = [];
    for (const row of limits) {
      const { per, unless, tag } = row;
      const value = subjectValue(subjects, per);
      if (value === undefined || (unless && subjectValue(subjects, unless) !== undefined)) continue;
      const subject = engine.subject(per, value);
      const limit = ruling.streamLimitFor(row, subject);
      seats.push({ limit, subject, key: `${prefix}:c:${tag}${subject.digest}` });
    }
    // A copy has no room for more; a stream that is open for hours keeps it all that time.
    if (seats.length > 0) return seats.slice();
    const known = limits.map(({ per }) => per).join(', ');
    throw new RangeError(
      `Stream quota "${name}" counts by ${known}, and none of them is known of this stream`,
    );
  }

  /**
   * For how long an operator has blocked one of those who are known, milliseconds; 0: nobody is blocked. A block holds
   * whether or not a limit counts its subject.
   */
  private blockedFor(name: string, subjects: Subjects): number {
    const { engine, nowMs } = this.parts;
    const dimensions = new Set([...this.dimensionsOf(name), ...(Object.keys(subjects) as Dimension[])]);
    let untilMs = 0;
    for (const dimension of dimensions) {
      const value = subjectValue(subjects, dimension);
      if (value !== undefined) untilMs = Math.max(untilMs, engine.subject(dimension, value).blockedUntilMs);
    }
    return Math.max(0, untilMs - nowMs());
  }

  private async checkConnects({ connects }: CompiledQuota, subjects: Subjects) {
    if (connects === undefined) return undefined;
    const { engine } = this.parts;
    const plan = engine.book.plan(connects);
    return engine.decide(
      plan,
      plan.dimensions.map((dimension) => subjectValue(subjects, dimension)),
    );
  }

  private deny(quota: CompiledQuota, decision: StreamDecision): StreamOpening {
    this.parts.metrics.decided(quota.name, decision);
    return { allowed: false, decision };
  }
}

interface CountedSeat extends Seat {
  readonly subject: Subject;
}

function blockedDecision(retryAfterMs: number): StreamDecision {
  return { ...NOTHING_OPENED, state: 'block', backend: 'cache', retryAfterMs: Math.ceil(retryAfterMs) };
}

function connectsDenied({ state, backend, degraded, retryAfterMs }: RateLimitDecision): StreamDecision {
  return { ...NOTHING_OPENED, state, backend, degraded, retryAfterMs };
}

const NOTHING_OPENED = {
  allowed: false,
  degraded: false,
  connects: undefined,
  limits: [],
} as const;

function decisionOf(
  seats: readonly CountedSeat[],
  { lease, outcomes, backend, degraded }: Admission,
  connects: RateLimitDecision | undefined,
): StreamDecision {
  const limits = seats.map(({ limit }, at) => ({ limit, ...(outcomes[at] as SeatOutcome) }));
  return {
    allowed: lease !== undefined,
    state: limits.find(({ state }) => state !== 'allow')?.state ?? 'allow',
    backend,
    degraded: degraded || (connects?.degraded ?? false),
    retryAfterMs: lease ? 0 : Math.max(0, ...limits.map(({ waitMs }) => waitMs)),
    connects,
    limits,
  };
}
