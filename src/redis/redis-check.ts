import type { DynamicModule } from '@nestjs/common';
import { firstValueFrom, map, race, timer } from 'rxjs';
import { type Fault, type Settings, isLocal } from '../config/index.js';
import { systemClock } from '../kernel/time.js';
import { Metrics } from '../telemetry/index.js';
import { activePurposes, optionsOf } from './active-purposes.js';
import { askForAccess, boot } from './boot.js';
import { createCompartment, openCompartment } from './compartment-factory.js';
import type { Compartment } from './compartment.js';
import type { EmbeddedEngine } from './embedded/embedded-engine.js';
import { assignIsolation } from './isolation.js';
import type { PurposeDefinition } from './purposes.js';
import { ReconnectAllowance } from './reconnect-allowance.js';
import { RedisSettings } from './redis.config.js';
import { type PlannedPurpose, definitionsOf, planPurposes } from './redis-plan.js';
import { fatalProofs } from './server-proof.js';
import { type BootOutcome, RedisStartupError, faultOf, faultOfProof } from './startup-report.js';
import type { Proof, PurposeStatus } from './status.types.js';

/** How one purpose fared when it was connected as a start connects it. Holds no secret. */
export interface PurposeFinding {
  readonly status: PurposeStatus;
  readonly outcome: BootOutcome['kind'];
  /** Identity of the server; equal ones are one server, whatever the addresses say. */
  readonly runId?: string;
  /** Empty when the outcome is up. */
  readonly faults: readonly Fault[];
  readonly warnings: readonly PurposeWarning[];
}

export interface PurposeWarning extends Fault {
  /** Staging and production would refuse it; otherwise it is only less than it should be. */
  readonly forgiven: boolean;
}

export interface RedisCheckRequest {
  readonly modules: readonly DynamicModule[];
  /** Judged already, so that the plan made of them has no faults. */
  readonly settings: Settings;
  /** One purpose only; what it shares with others is then not known. */
  readonly purpose?: string;
}

/** Beyond the start deadline: for a question about scheme or access that a silent server leaves unanswered. */
const QUESTION_MS = 700;
/** Per lane. Nothing was written that a cut connection could lose. */
const CLOSE_MS = 50;

/**
 * Opens the compartments of the active purposes as a start does (same plan, same boot, same proofs), reports
 * on each one instead of refusing all, and closes them. Asks about anonymous access in every profile.
 *
 * @returns findings in the order of the table, at the latest a second after the start deadline
 */
export async function checkRedis({
  modules,
  settings,
  purpose,
}: RedisCheckRequest): Promise<PurposeFinding[]> {
  const active = activePurposes(modules, settings).filter((name) => name === (purpose ?? name));
  const { planned } = planPurposes(active, optionsOf(modules), settings, {});
  const clock = systemClock;
  const parts = { settings, metrics: new Metrics(), clock, reconnects: new ReconnectAllowance(clock) };
  const checks = planned.map((plan) => ({ plan, compartment: createCompartment(plan, parts) }));
  const compartments = checks.map(({ compartment }) => compartment);
  const engines: EmbeddedEngine[] = [];
  try {
    const outcomes = await Promise.all(compartments.map((one) => connect(one, settings, engines)));
    if (purpose === undefined) assignIsolation(compartments);
    return checks.map((check, index) => findingOf(check, outcomes[index] as BootOutcome));
  } finally {
    await Promise.all(compartments.map((compartment) => compartment.close(CLOSE_MS)));
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

/** The purpose table of the application: ours, and the rows given to `RedisModule.forRoot`. */
export function purposeTable(modules: readonly DynamicModule[]): Readonly<Record<string, PurposeDefinition>> {
  return definitionsOf(optionsOf(modules));
}

async function connect(
  compartment: Compartment,
  settings: Settings,
  engines: EmbeddedEngine[],
): Promise<BootOutcome> {
  try {
    const engine = await openCompartment(compartment);
    if (engine) engines.push(engine);
  } catch (error) {
    const fault = error instanceof RedisStartupError ? error.misconfigured[0] : undefined;
    if (!fault) throw error;
    return { kind: 'misconfigured', faults: [fault] };
  }
  const deadlineMs = settings.of(RedisSettings).startDeadlineMs;
  const late = (): BootOutcome =>
    compartment.up
      ? { kind: 'up' }
      : { kind: 'unreachable', faults: [faultOf(compartment.faultSource, compartment.trouble.loss)] };
  const bound = timer(deadlineMs + QUESTION_MS).pipe(map(late));
  return firstValueFrom(race(examine(compartment, settings, deadlineMs), bound));
}

async function examine(
  compartment: Compartment,
  settings: Settings,
  deadlineMs: number,
): Promise<BootOutcome> {
  const enforced = !isLocal(settings.profile);
  const outcome = await boot(compartment, { deadlineMs, enforced });
  const { target } = compartment.connection;
  const asked = compartment.snapshot().proofs.some(({ fact }) => fact === 'anonymous');
  if (outcome.kind === 'up' && target && !asked) await askForAccess(compartment, target);
  return outcome;
}

function findingOf(
  { plan, compartment }: { plan: PlannedPurpose; compartment: Compartment },
  outcome: BootOutcome,
): PurposeFinding {
  const status = compartment.snapshot();
  const runId = compartment.runIds.length === 0 ? undefined : compartment.runIds.join(' ');
  const common = {
    status,
    ...(runId === undefined ? {} : { runId }),
  };
  if (outcome.kind !== 'up')
    return { ...common, outcome: outcome.kind, faults: outcome.faults, warnings: [] };
  const weaknesses = status.proofs.filter(({ verdict }) => verdict === 'contradicted');
  const warnings = [
    ...plan.warnings.map((fault) => ({ ...fault, forgiven: true })),
    ...weaknesses.map((proof) => ({
      ...faultOfProof(compartment.faultSource, proof),
      forgiven: isRefusedElsewhere(proof, plan),
    })),
  ];
  return { ...common, outcome: 'up', faults: [], warnings };
}

function isRefusedElsewhere(proof: Proof, { definition, connection }: PlannedPurpose): boolean {
  const { engine, access, topology, waitReplicas } = connection;
  const anyone = { engine, definition, db: 0, access, clientName: '', topology: topology.kind, waitReplicas };
  return fatalProofs([proof], { ...anyone, enforced: true }).length > 0;
}
