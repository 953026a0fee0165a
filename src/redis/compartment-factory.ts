import { hostname } from 'node:os';
import { type Settings, isLocal } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import { CompartmentMetrics } from './compartment-metrics.js';
import { Compartment } from './compartment.js';
import type { EmbeddedEngine } from './embedded/embedded-engine.js';
import type { ReconnectAllowance } from './reconnect-allowance.js';
import { RedisSettings } from './redis.config.js';
import type { PlannedPurpose } from './redis-plan.js';
import { createRotation } from './rotation/create-rotation.js';
import { RotationReport } from './rotation/rotation-report.js';
import { RedisStartupError } from './startup-report.js';

export interface CompartmentParts {
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Of the whole process; every compartment takes its share. */
  readonly reconnects: ReconnectAllowance;
  /** Of the whole process: who hears of new credentials. Unset: nobody does. */
  readonly rotations?: RotationReport;
}

/** A compartment as planned; nothing connects yet. */
export function createCompartment(
  plan: PlannedPurpose,
  { settings, metrics, clock, reconnects, rotations }: CompartmentParts,
): Compartment {
  const { retryCapMs, probeIntervalMs } = settings.of(RedisSettings);
  const { purpose, definition, connection } = plan;
  const lanes = {
    ...plan,
    enforced: !isLocal(settings.profile),
    instance: `${hostname()}:${process.pid}`,
    retryCapMs,
    reconnects: reconnects.join(Object.keys(definition.lanes).length),
    clock,
  };
  const compartment = new Compartment({
    ...lanes,
    probeIntervalMs,
    metrics: new CompartmentMetrics(metrics, purpose, connection.engine, definition),
  });
  const report = rotations ?? new RotationReport(metrics, undefined, clock);
  connection.access.keeper = createRotation(plan, { compartment, lanes, settings, report });
  return compartment;
}

/**
 * Starts connecting, after starting the purpose's own engine where it is embedded.
 *
 * @returns the engine, for whoever closes the compartment to close after it
 * @throws RedisStartupError when the embedded engine was asked for and is not installed
 */
export async function openCompartment(compartment: Compartment): Promise<EmbeddedEngine | undefined> {
  const { connection, purpose } = compartment;
  if (connection.engine === 'redis') {
    compartment.open();
    return undefined;
  }
  // Imported here so that a production install, which lacks the engine's package, still starts.
  const { EmbeddedEngineMissingError, startEmbeddedEngine } = await import('./embedded/embedded-engine.js');
  try {
    const engine = await startEmbeddedEngine();
    compartment.open({ host: engine.host, port: engine.port });
    return engine;
  } catch (error) {
    if (!(error instanceof EmbeddedEngineMissingError)) throw error;
    const rule = 'asks for the embedded engine, whose package is not installed (other)';
    const remedy = 'Name a real server, or install the development dependencies with "npm ci"';
    throw new RedisStartupError([{ variable: connection.source, purpose, rule, remedy }], []);
  }
}
