import type { Secret } from '../kernel/redact.js';
import type { Clock } from '../kernel/time.js';
import type { ScriptClient } from '../redis/index.js';
import type { Metrics } from '../telemetry/index.js';
import { createEngine } from './create-engine.js';
import { PolicyBook } from './policies/plan.js';
import type { PolicyTable } from './policies/policy.js';
import { RateLimiter } from './rate-limiter.js';

export interface RateLimiterOptions<Table extends PolicyTable> {
  readonly policies: Table;
  readonly client: ScriptClient;
  /** Namespace of the purpose and a hash tag: `auth:{rl}`. */
  readonly prefix: string;
  readonly secret: Secret;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/**
 * A limiter of a feature's own, on its own purpose and with its own policies. It does not degrade: while Redis is away
 * its checks are rejected with RedisUnavailableError.
 *
 * @throws PolicyError with every fault of every policy
 */
export function createRateLimiter<const Table extends PolicyTable>(
  options: RateLimiterOptions<Table>,
): RateLimiter<Table> {
  const { engine } = createEngine({
    ...options,
    book: new PolicyBook(options.policies),
    lost: () => undefined,
    closed: () => true,
    instances: () => 1,
    chosenIsDegraded: false,
    onSubstitute: () => undefined,
  });
  return new RateLimiter<Table>(engine);
}
