import type { Clock } from '../kernel/time.js';
import type { CountSeries, LatencyObserver, Metrics } from '../telemetry/index.js';
import { BACKENDS, type BackendName, type RateLimitBackend } from './rate-limit.backend.js';
import { type RateLimitDecision, STATES, decisionOf } from './rate-limit.decision.js';
import {
  POLICIES,
  type Policy,
  type PolicyTable,
  assertPolicies,
  intervalUs,
} from './rate-limit.policies.js';
import type { SubjectKeys } from './subject-keys.js';

export interface RateLimitRequest<Name extends string = string> {
  readonly policy: Name;
  /** Whom to count: a client address in any notation, or an identity in the one spelling of its feature. */
  readonly key: string;
  /** Units to spend; 1 unless told. More than the burst is never allowed. */
  readonly cost?: number;
}

export interface RateLimiterParts<Table extends PolicyTable> {
  readonly policies: Table;
  readonly backend: RateLimitBackend;
  readonly keys: SubjectKeys;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/**
 * Decides several limits together: all are spent, or none. This is the one class that features call.
 *
 * It knows no purpose: the module of this folder runs it on `rateLimit`, where it degrades; a feature that must
 * not degrade builds one of its own, with its own policies, on the plain RedisBackend of its own purpose.
 */
export class RateLimiter<Table extends PolicyTable = typeof POLICIES> {
  private readonly decisions: ReadonlyMap<string, CountSeries>;
  private readonly durations: Readonly<Record<BackendName, LatencyObserver>>;

  /** @throws RangeError for a policy that could not be counted */
  constructor(private readonly parts: RateLimiterParts<Table>) {
    assertPolicies(parts.policies);
    // Asked for at the start, so that every series is exposed as zero before the first decision.
    this.decisions = decisionSeries(parts);
    const [redis, memory] = BACKENDS.map((backend) => parts.metrics.rateLimitDuration.child({ backend }));
    this.durations = { redis: redis!, memory: memory! };
  }

  /**
   * @returns the decision; a denial is a value
   * @throws RedisUnavailableError on a backend that does not degrade
   */
  async check(requests: readonly RateLimitRequest<keyof Table & string>[]): Promise<RateLimitDecision> {
    if (requests.length === 0) throw new RangeError('A check needs at least one limit');
    const { backend, keys, clock } = this.parts;
    const policies = requests.map(({ policy }) => [policy, this.policy(policy)] as const);
    const limits = requests.map(({ policy, key, cost = 1 }) => {
      if (!Number.isSafeInteger(cost) || cost < 1)
        throw new RangeError('A cost must be a whole number above 0');
      const row = this.policy(policy);
      return { key: keys.of(policy, row.per, key), intervalUs: intervalUs(row), burst: row.burst, cost };
    });
    const startMs = clock.monotonicMs();
    const decision = decisionOf(policies, await backend.spend(limits));
    this.durations[decision.backend].observe((clock.monotonicMs() - startMs) / 1000);
    this.count(decision);
    return decision;
  }

  private policy(name: string): Policy {
    const policy = Object.hasOwn(this.parts.policies, name) ? this.parts.policies[name] : undefined;
    if (!policy) throw new RangeError(`There is no rate-limit policy "${name}"`);
    return policy;
  }

  /** A denied check is counted for the limits that denied it only: on the others nothing was spent. */
  private count({ allowed, limits, backend }: RateLimitDecision): void {
    for (const { name, state } of limits) {
      if (allowed || state !== 'allow') this.decisions.get(`${name} ${state} ${backend}`)?.inc();
    }
  }
}

function decisionSeries({ policies, metrics }: RateLimiterParts<PolicyTable>): Map<string, CountSeries> {
  const series = new Map<string, CountSeries>();
  for (const policy of Object.keys(policies)) {
    for (const state of STATES) {
      for (const backend of BACKENDS) {
        const child = metrics.rateLimitDecisions.child({ policy, state, backend });
        series.set(`${policy} ${state} ${backend}`, child);
      }
    }
  }
  return series;
}
