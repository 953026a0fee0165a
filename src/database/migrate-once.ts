import { SettingsError, type Settings } from '../config/index.js';
import { EXIT } from '../kernel/errors.js';
import { systemClock } from '../kernel/time.js';
import { Metrics } from '../telemetry/index.js';
import { DatabaseSettings } from './database.config.js';
import { planDatabase } from './database-plan.js';
import { describeTarget } from './database-url.js';
import { EmbeddedBackend } from './embedded-backend.js';
import type { MigrationReport } from './migrations.js';
import { clientConfig } from './postgres-client.js';
import { PostgresMigration } from './postgres-migration.js';
import { PostgresProber } from './postgres-prober.js';
import type { PostgresPlan } from './database-plan.js';
import { failureOf } from './sql-failure.js';
import { DatabaseStartupError, faultOf } from './startup-report.js';

export type MigrationOutcome =
  | (MigrationReport & { readonly address: string })
  | { readonly refusal: SettingsError | DatabaseStartupError };

/** Migrates the database of the settings and closes it again; what a start would do first. */
export async function migrateOnce(settings: Settings): Promise<MigrationOutcome> {
  const plan = planDatabase(settings, {});
  if (Array.isArray(plan)) return { refusal: new SettingsError(plan) };
  const own = settings.of(DatabaseSettings);
  if (plan.engine === 'postgres') return migratePostgres(plan, own);
  const metrics = new Metrics();
  const backend = new EmbeddedBackend(plan, {
    settings: own,
    metrics,
    clock: systemClock,
    changed: () => undefined,
  });
  try {
    await backend.start();
    await backend.enter();
    return { ...backend.report, address: plan.folder ?? 'The database in memory' };
  } catch (error) {
    if (error instanceof DatabaseStartupError) return { refusal: error };
    throw error;
  } finally {
    await backend.close();
  }
}

async function migratePostgres(plan: PostgresPlan, own: DatabaseSettings): Promise<MigrationOutcome> {
  const address = describeTarget(plan.target);
  const config = clientConfig(plan, own, { statementMs: 0, idleInTransactionMs: 0 });
  const prober = new PostgresProber(config, systemClock, own.connectMs);
  try {
    await prober.ask(true);
    const report = await new PostgresMigration(config, systemClock).run(() => prober.ask(false));
    return { ...report, address };
  } catch (error) {
    const failure = failureOf(error, true);
    if (failure === undefined) throw error;
    const fault = faultOf(failure, { source: plan.source, address });
    return {
      refusal: new DatabaseStartupError(failure.hopeless ? EXIT.config : EXIT.unavailable, [fault]),
    };
  } finally {
    prober.drop();
  }
}
