import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { Metrics } from '../../telemetry/index.js';
import { createEngine } from '../create-engine.js';
import { NO_RULING } from '../engine-assembly.js';
import { PolicyBook } from '../policies/plan.js';
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
  const shared = {
    clock,
    lost: () => undefined,
    closed: () => false,
    instances: () => 1,
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
  const leases = new Leases({
    ...shared,
    store: undefined,
    onRenewalFailed: () => undefined,
    onChange: (quota, by) => counted.changed(quota, by),
    renewEveryMs: 15_000,
  });
  const nowMs = () => clock.monotonicMs();
  const streams = new StreamQuotas({ quotas, engine, leases, metrics: counted, prefix: 'rl:{g}', nowMs });
  return { clock, metrics, leases, blocked, streams };
}
