export {
  DatabaseStatementError,
  DatabaseUnavailableError,
  SQL_PURPOSE,
  SQL_UNAVAILABLE_REASONS,
  type SqlUnavailableReason,
} from './database.errors.js';
export { ChoreRounds } from './chore-rounds.js';
export { DatabaseSettings } from './database.config.js';
export { DatabaseModule } from './database.module.js';
export {
  type DatabaseSnapshot,
  type DatabaseState,
  DatabaseStatus,
  type FeatureUse,
  type SqlEngineKind,
} from './database-status.js';
export { DueGauges, type DueGaugesOptions } from './due-gauges.js';
export { DueWorker, type DueWorkerOptions } from './due-worker.js';
export { FeatureDatabase } from './feature-database.js';
export { forgetRows } from './forget-rows.js';
export { type Chore, Housekeeping } from './housekeeping.js';
export { InjectDatabase, getDatabaseToken } from './inject-database.decorator.js';
export { type MigrationOutcome, migrateOnce } from './migrate-once.js';
export { PreparedSelect } from './prepared-select.js';
export type { Sql } from './sql.js';
export { DatabaseStartupError } from './startup-report.js';
export { violatedConstraint } from './translate-error.js';
