import { type DynamicModule, Module } from '@nestjs/common';
import { type ModuleWithSettings, SETTINGS_SOURCE, Settings, type SettingsSource } from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import { Database } from './database.js';
import { DatabaseSettings } from './database.config.js';
import { planDatabase } from './database-plan.js';
import { DatabaseStatus } from './database-status.js';
import { getDatabaseToken } from './inject-database.decorator.js';

const DATABASE_FEATURE = Symbol('database:feature');

interface FeatureModule extends ModuleWithSettings {
  [DATABASE_FEATURE]?: string;
}

export interface DatabaseFeatureOptions {
  /** Connections that the feature may use at a time; nobody else can have them. */
  readonly connections: number;
}

/** Owns the connections. Private to this file: a feature that could import it could have every share. */
@Module({
  providers: [
    {
      provide: Database,
      inject: [Settings, Metrics, CLOCK],
      useFactory: (settings: Settings, metrics: Metrics, clock: Clock) =>
        new Database({ settings, metrics, clock }),
    },
  ],
  exports: [Database],
})
class DatabaseCoreModule {}

class DatabaseRootModule {}
class DatabaseFeatureModule {}
class DatabaseInspectionModule {}

/** SQL is active, and needs an address, when some module uses it. */
const source: SettingsSource = {
  registrations: () => [{ type: DatabaseSettings }],
  rules: ({ settings, env }, modules: readonly FeatureModule[]) => {
    if (!modules.some((module) => module[DATABASE_FEATURE] !== undefined)) return [];
    const plan = planDatabase(settings, env);
    return Array.isArray(plan) ? plan : [];
  },
};

/**
 * `forRoot` once in the application module, `forFeature` in every feature that keeps something in SQL. The container
 * is the fence: a feature can inject only the database that it imported, with its own share of connections.
 */
export class DatabaseModule {
  private static readonly root: ModuleWithSettings = {
    module: DatabaseRootModule,
    imports: [DatabaseCoreModule],
    [SETTINGS_SOURCE]: source,
  };
  private static readonly inspection: DynamicModule = {
    module: DatabaseInspectionModule,
    imports: [DatabaseCoreModule],
    providers: [{ provide: DatabaseStatus, useExisting: Database }],
    exports: [DatabaseStatus],
  };

  /** For a process whose only work is on SQL: its start fails where SQL is away, as with DATABASE_REQUIRED=true. */
  static require(settings: Settings): void {
    settings.of(DatabaseSettings).required = true;
  }

  static forRoot(): DynamicModule {
    return DatabaseModule.root;
  }

  /** `@InjectDatabase(feature) db: FeatureDatabase` in the importing module; one share, however many import it. */
  static forFeature(feature: string, { connections }: DatabaseFeatureOptions): DynamicModule {
    const token = getDatabaseToken(feature);
    const module: FeatureModule = {
      module: DatabaseFeatureModule,
      imports: [DatabaseModule.root, DatabaseCoreModule],
      providers: [
        {
          provide: token,
          inject: [Database],
          useFactory: (database: Database) => database.feature(feature, connections),
        },
      ],
      exports: [token],
      [DATABASE_FEATURE]: feature,
    };
    return module;
  }

  /** Gives DatabaseStatus, which looks and hands out no connection. For health, logs and the console. */
  static forInspection(): DynamicModule {
    return DatabaseModule.inspection;
  }
}
