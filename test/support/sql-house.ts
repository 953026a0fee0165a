import { type INestApplicationContext, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '../../src/config/index.js';
import {
  DatabaseModule,
  type DatabaseSnapshot,
  DatabaseStatus,
  type FeatureDatabase,
  getDatabaseToken,
} from '../../src/database/index.js';
import { Metrics, TelemetryModule } from '../../src/telemetry/index.js';

export interface SqlHouseOptions {
  /** Undefined: the embedded engine. */
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Connections by feature. */
  readonly features?: Readonly<Record<string, number>>;
  /** Keeps what would be logged. */
  readonly logs?: string[];
}

/** Modules with SQL and nothing else, as an application has them. */
export interface SqlHouse {
  readonly db: FeatureDatabase;
  of(feature: string): FeatureDatabase;
  status(): DatabaseSnapshot;
  readonly changes: DatabaseSnapshot[];
  readonly metrics: Metrics;
  readonly close: () => Promise<void>;
}

class Root {}

/** @returns after the start, with `identity` and three connections unless other features are given */
export async function openSqlHouse(options: SqlHouseOptions = {}): Promise<SqlHouse> {
  const { url, env = {}, features = { identity: 3 }, logs } = options;
  const imports = [
    TelemetryModule,
    DatabaseModule.forRoot(),
    DatabaseModule.forInspection(),
    ...Object.entries(features).map(([feature, connections]) =>
      DatabaseModule.forFeature(feature, { connections }),
    ),
  ];
  const variables = { APP_PROFILE: 'test', ...(url === undefined ? {} : { DATABASE_URL: url }), ...env };
  const config = await ConfigModule.forRoot({ module: Root, imports }, variables);
  const app = await start({ module: Root, imports: [config, ...imports] }, logs);
  const status = app.get(DatabaseStatus, { strict: false });
  const changes: DatabaseSnapshot[] = [];
  status.changes().subscribe((snapshot) => changes.push(snapshot));
  const of = (feature: string) => app.get<FeatureDatabase>(getDatabaseToken(feature), { strict: false });
  return {
    db: of(Object.keys(features)[0] ?? ''),
    of,
    status: () => status.snapshot(),
    changes,
    metrics: app.get(Metrics, { strict: false }),
    close: () => app.close(),
  };
}

function start(root: object, logs: string[] | undefined): Promise<INestApplicationContext> {
  const keep = (...parts: unknown[]) => logs?.push(parts.map((part) => JSON.stringify(part)).join(' '));
  const logger = { log: keep, error: keep, warn: keep, debug: keep, verbose: keep, fatal: keep };
  Logger.overrideLogger(logger);
  return NestFactory.createApplicationContext(root as never, { logger, abortOnError: false });
}
