import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { Metrics } from '../../telemetry/index.js';
import { fieldOf, valueOf } from '../control/override.js';
import { Rulings } from '../control/rulings.js';
import type { StreamOverride } from '../control/stream-override.js';
import { createEngine } from '../create-engine.js';
import { NO_RULING } from '../engine-assembly.js';
import { PolicyBook } from '../policies/plan.js';
import type { Dimension } from '../policies/policy.js';
import { POLICIES } from '../policies/policies.js';
import { compileQuotas } from './compiled-quota.js';
import { LeaseMetrics } from './lease-metrics.js';
import { Leases } from './leases.js';
import type { StreamQuotaTable } from './stream-quota.js';
import { STREAM_QUOTAS } from './stream-quotas.table.js';
import { StreamQuotas } from './stream-quotas.js';

/** Beside those of the house: one that checks no policy for opening. */
const QUIET: StreamQuotaTable = {
  quiet: {
    concurrent: [
      { per: 'user', streams: 5 },
      { per: 'ip', streams: 5, unless: 'user' },
    ],
  },
};

/** Everything counted in this process, with nothing replaced: the quotas of the house, their policy, the metrics. */
export function openStreamQuotas() {
  const clock = new ManualClock();
  const metrics = new Metrics();
  /** Until when all subjects of a dimension are blocked, monotonic milliseconds; a test changes it. */
  const blocked: Record<string, number> = {};
  const book = new PolicyBook(POLICIES);
  const quotas = compileQuotas({ ...STREAM_QUOTAS, ...QUIET }, (name) => book.has(name));
  const counted = new LeaseMetrics(metrics, quotas.values());
  /** How many instances share the limits; a test changes it. */
  const state = { instances: 1 };
  const shared = {
    clock,
    lost: () => undefined,
    closed: () => false,
    instances: () => state.instances,
    chosenIsDegraded: false,
    onSubstitute: () => undefined,
  };
  let edition = 0;
  const { engine } = createEngine({
    ...shared,
    book,
    client: undefined,
    prefix: 'rl:{g}',
    secret: new Secret('s'.repeat(32)),
    metrics,
    // Always asked anew.
    ruling: {
      ...NO_RULING,
      get edition() {
        return (edition += 1);
      },
      blockedUntilMs: (dimension: string) => blocked[dimension] ?? 0,
    },
  });
  const rulings = new Rulings(book, clock, quotas);
  const leases = new Leases({
    ...shared,
    store: undefined,
    onRenewalFailed: () => undefined,
    onChange: (quota, by) => counted.changed(quota, by),
    renewEveryMs: 15_000,
  });
  const nowMs = () => clock.monotonicMs();
  const streams = new StreamQuotas({
    quotas,
    engine,
    leases,
    metrics: counted,
    ruling: rulings,
    prefix: 'rl:{g}',
    nowMs,
  });
  /** As if operators had set these numbers of streams, and no others. */
  const override = (...overrides: readonly StreamOverride[]): void => {
    const entries = overrides.map((one) => [fieldOf(one), valueOf(one)] as const);
    rulings.install({ version: rulings.version + 1, blocks: new Map(), overrides: new Map(entries) });
  };
  const digestOf = (dimension: Dimension, text: string) => engine.subject(dimension, text).digest;
  return { clock, metrics, leases, blocked, streams, state, override, digestOf };
}
