import { DatabaseModule } from '../database/index.js';
import { IdentityModule } from '../identity/index.js';
import { TelemetryModule } from '../telemetry/index.js';

/** Where the commands about administrators and service accounts have their SQL: a share of its own. */
export const ADMIN_DATABASE = 'cli';
/** Who has done it, in the security event. */
export const BY_COMMAND_LINE = 'command line';

/** What these commands need of the application. */
export const ADMIN_MODULES = [
  TelemetryModule,
  DatabaseModule.forRoot(),
  DatabaseModule.forFeature(ADMIN_DATABASE, { connections: 1 }),
  DatabaseModule.forInspection(),
  IdentityModule,
];
