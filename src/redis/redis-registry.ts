import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { type Settings, SettingsError, formatFaults, isLocal } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import { bootAll } from './boot.js';
import { createCompartment, openCompartment } from './compartment-factory.js';
import type { Compartment } from './compartment.js';
import type { EmbeddedEngine } from './embedded/embedded-engine.js';
import { assignIsolation } from './isolation.js';
import type { GuardedClient } from './guarded-client.js';
import type { Lane } from './purposes.js';
import { ReconnectAllowance } from './reconnect-allowance.js';
import { RedisSettings } from './redis.config.js';
import type { RedisModuleOptions } from './redis.options.js';
import { definitionsOf, planPurposes } from './redis-plan.js';
import { RedisStatus } from './redis-status.js';
import { type RedisRotation, RotationSchedule } from './rotation/redis-rotation.js';
import { RotationReport } from './rotation/rotation-report.js';
import { nameFaults } from './row-rules.js';
import type { PurposeStatus } from './status.types.js';

export interface RegistryDependencies {
  readonly settings: Settings;
  readonly options: RedisModuleOptions;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** How long the servers together get to answer QUIT; part of the shutdown budget. */
const QUIT_DEADLINE_MS = 800;

/**
 * Owns every connection of the process: whoever opens, closes. Features get their clients from it through
 * the container and never see it; two features with one purpose share its client.
 */
export class RedisRegistry extends RedisStatus implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly compartments = new Map<string, Compartment>();
  private readonly engines: EmbeddedEngine[] = [];
  private readonly reconnects: ReconnectAllowance;
  private readonly rotations: RotationReport;
  private readonly schedule: RotationSchedule;

  constructor(private readonly dependencies: RegistryDependencies) {
    super();
    const { clock, metrics } = dependencies;
    this.reconnects = new ReconnectAllowance(clock);
    this.rotations = new RotationReport(metrics, this.logger, clock);
    this.schedule = new RotationSchedule({
      keepers: () => this.inOrder().flatMap(({ connection }) => connection.access.keeper ?? []),
      checkMs: this.shared.credentialsCheckMs,
      clock,
      logger: this.logger,
    });
  }

  get rotation(): RedisRotation {
    return this.schedule;
  }

  /** The client of a lane. Nothing connects before the application starts. */
  client(purpose: string, lane: Lane): GuardedClient {
    return this.compartment(purpose).client(lane);
  }

  hasLane(purpose: string, lane: Lane): boolean {
    const definition = definitionsOf(this.dependencies.options)[purpose];
    // An unknown purpose goes on to client(), which says what is missing.
    return definition === undefined || Object.hasOwn(definition.lanes, lane);
  }

  get required(): readonly string[] {
    return this.shared.requiredPurposes.filter((purpose) => this.compartments.has(purpose));
  }

  all(): readonly PurposeStatus[] {
    return this.inOrder().map((compartment) => compartment.snapshot());
  }

  of(purpose: string): PurposeStatus {
    return this.known(purpose).snapshot();
  }

  changes(purpose: string): Observable<PurposeStatus> {
    return this.known(purpose).changes();
  }

  ready(): boolean {
    const compartments = [...this.compartments.values()];
    if (this.required.some((purpose) => !this.known(purpose).up)) return false;
    return compartments.length === 0 || compartments.some((compartment) => compartment.up);
  }

  /** @throws RedisStartupError by the rule of boot.ts, with nothing left open */
  async onModuleInit(): Promise<void> {
    const compartments = this.inOrder();
    const { settings, options } = this.dependencies;
    // With forRootAsync the names are known only now.
    const misspelt = nameFaults(options);
    if (misspelt.length > 0) throw new SettingsError(misspelt);
    try {
      await Promise.all(
        compartments.map(async (compartment) => {
          const engine = await openCompartment(compartment);
          if (engine) this.engines.push(engine);
        }),
      );
      await bootAll(compartments, {
        deadlineMs: this.shared.startDeadlineMs,
        required: this.shared.requiredPurposes,
        enforced: !isLocal(settings.profile),
        logger: this.logger,
      });
    } catch (error) {
      // Nothing was written that a cut connection could lose.
      await this.closeAll(0);
      throw error;
    }
    for (const status of this.all()) this.announce(status);
    this.schedule.start();
    // A server may be replaced at run time: sharing is looked at again after every connect.
    for (const compartment of compartments)
      compartment.changes().subscribe(() => assignIsolation(compartments));
  }

  /** Runs when HTTP is closed and every feature has drained. */
  async onApplicationShutdown(): Promise<void> {
    await this.closeAll(QUIT_DEADLINE_MS / 3);
  }

  /** Where each compartment is, and which variable said so: what one looks for first when something is odd. */
  private announce({ purpose, engine, state, address, source, isolation }: PurposeStatus): void {
    const fields = { purpose, engine, state, address, source, isolation };
    this.logger.log(`Compartment ${purpose} is ${state} at ${address}, from ${source}`, fields);
  }

  private get shared(): RedisSettings {
    return this.dependencies.settings.of(RedisSettings);
  }

  /** In the order of the table, whichever module came first. */
  private inOrder(): Compartment[] {
    const order = Object.keys(definitionsOf(this.dependencies.options));
    return [...this.compartments.values()].sort(
      (a, b) => order.indexOf(a.purpose) - order.indexOf(b.purpose),
    );
  }

  private known(purpose: string): Compartment {
    const compartment = this.compartments.get(purpose);
    if (!compartment) throw new Error(`${purpose} is not active: no module imports it`);
    return compartment;
  }

  private compartment(purpose: string): Compartment {
    const known = this.compartments.get(purpose);
    if (known) return known;
    const { settings, options } = this.dependencies;
    // With forRootAsync the options are known only now, so the rules of the settings run again here.
    const { planned, faults } = planPurposes([purpose], options, settings, {});
    if (faults.length > 0 || !hasOne(planned)) throw new SettingsError(faults);
    const [plan] = planned;
    for (const line of formatFaults(plan.warnings))
      this.logger.warn(`Not allowed in production:${line.slice(3)}`);
    const { reconnects, rotations } = this;
    const compartment = createCompartment(plan, { ...this.dependencies, reconnects, rotations });
    this.compartments.set(purpose, compartment);
    return compartment;
  }

  private async closeAll(laneDeadlineMs: number): Promise<void> {
    const compartments = [...this.compartments.values()];
    this.schedule.stop();
    await Promise.all(compartments.map((compartment) => compartment.close(laneDeadlineMs)));
    await Promise.all(this.engines.splice(0).map((engine) => engine.close()));
  }
}

function hasOne<T>(list: readonly T[]): list is readonly [T] {
  return list.length === 1;
}
