import type { CountSeries, HistogramObserver, Metrics } from '../telemetry/index.js';
import {
  BACKENDS,
  type BackendName,
  type RateLimitDecision,
  type RateLimitState,
  STATES,
  stateOf,
} from './decision.js';
import type { PolicyBook } from './policies/plan.js';

interface PolicySeries {
  readonly decisions: Readonly<Record<BackendName, Readonly<Record<RateLimitState, CountSeries>>>>;
  readonly remaining: HistogramObserver;
  readonly wouldDeny: CountSeries;
}

/** What a limiter counts. All series are asked for at the start, so that they are exposed as zero before the first decision. */
export class DecisionMetrics {
  private readonly policies: ReadonlyMap<string, PolicySeries>;
  private readonly durations: Readonly<Record<BackendName, HistogramObserver>>;

  constructor(metrics: Metrics, book: PolicyBook) {
    const observer = (backend: BackendName) => metrics.rateLimitDuration.child({ backend });
    this.durations = { redis: observer('redis'), memory: observer('memory'), cache: observer('cache') };
    this.policies = new Map(book.all().map(({ name }) => [name, seriesOf(metrics, name)]));
  }

  /** A denied decision counts for the policies that denied it only: on the others nothing was spent. */
  decided({ allowed, backend, blocked, meters, outcomes }: RateLimitDecision, ms: number): void {
    this.durations[backend].observe(ms / 1000);
    for (let at = 0; at < meters.length;) {
      const { policy } = meters[at]!.limit;
      let state: RateLimitState = blocked ? 'block' : 'allow';
      let left = 1;
      for (; at < meters.length && meters[at]!.limit.policy === policy; at += 1) {
        const outcome = outcomes[at]!;
        if (outcome.waitUs !== 0) state = stateOf(outcome);
        left = Math.min(left, outcome.remaining / meters[at]!.limit.burst);
      }
      if (!allowed && state === 'allow') continue;
      const series = this.policies.get(policy);
      series?.decisions[backend][state].inc();
      series?.remaining.observe(left);
    }
  }

  /** A denial of Redis that still holds; what is left was observed when it was made. */
  knownDenial(policy: string, state: 'throttle' | 'block'): void {
    this.durations.cache.observe(0);
    this.policies.get(policy)?.decisions.cache[state].inc();
  }

  /** Denials of the policy that are known again and again, to be asked for once. */
  knownDenials(policy: string): CountSeries | undefined {
    return this.policies.get(policy)?.decisions.cache.throttle;
  }

  /** As `knownDenial`. @param count what `knownDenials` gave */
  deniedAgain(count: CountSeries | undefined): void {
    this.durations.cache.observe(0);
    count?.inc();
  }

  wouldDeny(policy: string): void {
    this.policies.get(policy)?.wouldDeny.inc();
  }
}

function seriesOf(metrics: Metrics, policy: string): PolicySeries {
  const by = <K extends string, V>(keys: readonly K[], of: (key: K) => V): Record<K, V> =>
    Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, V>;
  return {
    decisions: by(BACKENDS, (backend) =>
      by(STATES, (state) => metrics.rateLimitDecisions.child({ policy, state, backend })),
    ),
    remaining: metrics.rateLimitRemaining.child({ policy }),
    wouldDeny: metrics.rateLimitShadow.child({ policy }),
  };
}
