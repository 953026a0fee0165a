import { type Fault, formatFaults } from '../config/index.js';
import { EXIT, StartupError } from '../kernel/errors.js';
import { SQL_PURPOSE } from './database.errors.js';
import { FolderInUseError } from './folder-lock.js';
import type { SqlFailure, Suspect } from './sql-failure.js';

/** SQL and the settings do not fit, or it must be there and is not. */
export class DatabaseStartupError extends StartupError {
  constructor(
    readonly exitCode: number,
    readonly faults: readonly Fault[],
  ) {
    super(`SQL: ${faults.length} fault${faults.length === 1 ? '' : 's'}`);
    this.name = 'DatabaseStartupError';
  }

  report(): string {
    return ['Refusing to start.', ...formatFaults(this.faults)].join('\n');
  }
}

const REMEDIES: Readonly<Record<Suspect, readonly [variable: string, remedy: string]>> = {
  address: ['', 'Correct the address, or start the server and let the network through'],
  credentials: [
    'DATABASE_PASSWORD',
    'Correct role and password, in DATABASE_URL or beside it, or let the role in (pg_hba.conf)',
  ],
  database: ['', 'Correct the name, or create the database'],
  tls: ['DATABASE_TLS_CA_FILE', 'Name the authority of the certificate, and let sslmode fit the server'],
  grants: [
    'DATABASE_USERNAME',
    'Grant the role what it needs, or let another one run "db migrate" before this process starts',
  ],
  migration: ['', 'Name the database of this application; one that it did not make cannot be migrated'],
  server: ['', 'Mend it on the server, or name another one'],
};

/** Puts a failure into the one line that names variable, reason and remedy. */
export function faultOf(
  failure: SqlFailure,
  place: { readonly source: string; readonly address: string },
): Fault {
  const [variable, remedy] = REMEDIES[failure.suspect];
  return {
    variable: variable === '' ? place.source : variable,
    purpose: SQL_PURPOSE,
    rule: `${place.address}: ${failure.detail} (${failure.reason})`,
    remedy,
  };
}

/** Why the folder of the embedded engine cannot be had. */
export function folderRefusal(error: unknown, folder: string): DatabaseStartupError {
  const fault = (rule: string, remedy: string): Fault => ({
    variable: 'DATABASE_FOLDER',
    purpose: SQL_PURPOSE,
    rule,
    remedy,
  });
  if (error instanceof FolderInUseError) {
    const rule = `${folder} is in use by ${error.holder}, and two processes would destroy it`;
    const remedy = `End that process, or name another folder; where it is gone for good, remove ${folder}/lock`;
    return new DatabaseStartupError(EXIT.unavailable, [fault(rule, remedy)]);
  }
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown cause';
  return new DatabaseStartupError(EXIT.config, [
    fault(`${folder} cannot be used (${code})`, 'Name a folder that this process may make and write'),
  ]);
}
