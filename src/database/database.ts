import {
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { type Observable, Subject, map, startWith } from 'rxjs';
import { type Settings, SettingsError } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import { ConnectionShare } from './connection-share.js';
import { DatabaseSettings } from './database.config.js';
import { planDatabase } from './database-plan.js';
import { type DatabaseSnapshot, DatabaseStatus } from './database-status.js';
import { EmbeddedBackend } from './embedded-backend.js';
import { FeatureCalls } from './feature-calls.js';
import type { FeatureDatabase } from './feature-database.js';
import { PostgresBackend } from './postgres-backend.js';
import type { SqlBackend } from './sql-backend.js';

export interface DatabaseDependencies {
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** How long connections get to say goodbye; part of the shutdown budget, in which Redis is closed as well. */
const GOODBYE_MS = 150;
/**
 * Owns every SQL connection of the process: whoever opens, closes. Features get their share of it through the
 * container and never see it.
 */
export class Database
  extends DatabaseStatus
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  private readonly logger = new Logger('Database');
  private readonly shares = new Map<string, ConnectionShare>();
  private readonly calls = new Map<string, FeatureCalls>();
  private readonly news = new Subject<void>();
  private created: SqlBackend | undefined;

  constructor(private readonly dependencies: DatabaseDependencies) {
    super();
  }

  get active(): boolean {
    return this.shares.size > 0;
  }

  get required(): boolean {
    return this.active && this.own.required;
  }

  /**
   * The database of a feature; two modules that name one feature have one share.
   *
   * @throws Error when they name different numbers of connections: a programming error
   */
  feature(feature: string, connections: number): FeatureDatabase {
    const { clock, metrics } = this.dependencies;
    const share = this.shares.get(feature) ?? new ConnectionShare(connections, clock);
    if (share.most !== connections)
      throw new Error(
        `SQL of ${feature} is asked for with ${connections} and with ${share.most} connections`,
      );
    this.shares.set(feature, share);
    const backend = () => this.backend;
    const calls =
      this.calls.get(feature) ??
      new FeatureCalls({ feature, share, backend, settings: this.own, metrics, clock });
    this.calls.set(feature, calls);
    return calls;
  }

  snapshot(): DatabaseSnapshot {
    const { backend } = this;
    const features = [...this.shares].map(([feature, { most, inUse, waiting }]) => ({
      feature,
      most,
      inUse,
      waiting,
    }));
    const connections = { open: backend.open, most: backend.most };
    return { ...backend.state, connections, features };
  }

  changes(): Observable<DatabaseSnapshot> {
    return this.news.pipe(
      startWith(undefined),
      map(() => this.snapshot()),
    );
  }

  /** @throws DatabaseStartupError when settings and server contradict each other, with nothing left open */
  async onModuleInit(): Promise<void> {
    if (!this.active) return;
    try {
      await this.backend.start();
    } catch (error) {
      await this.backend.close(0);
      throw error;
    }
    const { engine, state, address, source } = this.snapshot();
    this.logger.log(`SQL is ${state} at ${address}, from ${source}`, { engine, state, address, source });
  }

  /** Opening the embedded engine holds up the whole process for seconds; in a demo better before it listens. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.active || this.dependencies.settings.profile !== 'demo') return;
    if (this.backend.state.engine === 'pglite') await this.backend.enter().catch(() => undefined);
  }

  /** Runs when HTTP is closed and every feature has drained. */
  async onApplicationShutdown(): Promise<void> {
    for (const share of this.shares.values()) share.dismiss();
    await this.created?.close(GOODBYE_MS);
    this.news.complete();
  }

  private get own(): DatabaseSettings {
    return this.dependencies.settings.of(DatabaseSettings);
  }

  private get mostConnections(): number {
    return [...this.shares.values()].reduce((sum, { most }) => sum + most, 0);
  }

  private get backend(): SqlBackend {
    return (this.created ??= this.create());
  }

  private create(): SqlBackend {
    const { settings, metrics, clock } = this.dependencies;
    const plan = planDatabase(settings, {});
    if (Array.isArray(plan)) throw new SettingsError(plan);
    const changed = () => this.news.next();
    const dependencies = { settings: this.own, metrics, clock, changed };
    return plan.engine === 'postgres'
      ? new PostgresBackend(plan, dependencies, this.mostConnections)
      : new EmbeddedBackend(plan, dependencies);
  }
}
