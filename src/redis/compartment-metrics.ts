import { Metrics } from '../telemetry/index.js';
import type { CallOutcome } from './flight-deck.js';
import type { Lane, PurposeDefinition } from './purposes.js';
import { UNAVAILABLE_REASONS, type UnavailableReason } from './redis.errors.js';
import type { Engine } from './status.types.js';

interface Counted {
  inc(): void;
}

/** The metrics of one purpose, looked up once; an alert needs every series to exist before the first fault. */
export class CompartmentMetrics {
  private readonly calls = new Map<Lane, Record<CallOutcome, Counted>>();
  private readonly durations = new Map<Lane, { observe(seconds: number): void }>();

  constructor(
    private readonly metrics: Metrics,
    private readonly purpose: string,
    private readonly mode: Engine,
    definition: PurposeDefinition,
  ) {
    for (const lane of Object.keys(definition.lanes) as Lane[]) this.initialise(lane);
  }

  attempting(context: Lane): void {
    this.count(context, 'attempt');
  }

  connected(context: Lane, ms: number, certificateExpiresMs: number | undefined): void {
    const { metrics, purpose } = this;
    this.count(context, 'connected');
    metrics.redisConnectionDuration.observe({ purpose, context }, ms / 1000);
    if (certificateExpiresMs !== undefined)
      metrics.redisCertificateExpiry.set({ purpose }, certificateExpiresMs / 1000);
  }

  lost(context: Lane, reason: UnavailableReason): void {
    this.count(context, 'lost');
    this.metrics.redisConnectionErrors.inc({ purpose: this.purpose, context, reason });
  }

  /** Counts the calls of one lane; looked up once, since every single call passes here. */
  callsOf(lane: Lane): (outcome: CallOutcome, ms: number) => void {
    const counters = this.calls.get(lane);
    const durations = this.durations.get(lane);
    return (outcome, ms) => {
      counters?.[outcome].inc();
      if (outcome !== 'rejected') durations?.observe(ms / 1000);
    };
  }

  private count(context: Lane, outcome: 'attempt' | 'connected' | 'lost', by = 1): void {
    const { purpose, mode } = this;
    this.metrics.redisConnectionAttempts.inc({ purpose, mode, context, outcome }, by);
  }

  private initialise(context: Lane): void {
    const { metrics, purpose } = this;
    for (const outcome of ['attempt', 'connected', 'lost'] as const) this.count(context, outcome, 0);
    for (const reason of UNAVAILABLE_REASONS)
      metrics.redisConnectionErrors.inc({ purpose, context, reason }, 0);
    const child = (outcome: CallOutcome) => metrics.redisCommands.child({ purpose, context, outcome });
    this.calls.set(context, {
      ok: child('ok'),
      error: child('error'),
      timeout: child('timeout'),
      rejected: child('rejected'),
    });
    this.durations.set(context, metrics.redisCommandDuration.child({ purpose, context }));
  }
}
