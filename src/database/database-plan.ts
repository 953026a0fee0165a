import {
  type Environment,
  type Fault,
  type Profile,
  type Settings,
  isLocal,
  isUrlFault,
} from '../config/index.js';
import { DatabaseSettings } from './database.config.js';
import { passwordSource } from './database-password.js';
import { tlsFileFaults } from './database-tls.js';
import { type DatabaseTarget, type ParsedDatabaseUrl, parseDatabaseUrl } from './database-url.js';

/** A PostgreSQL server, and what it is reached with. */
export interface PostgresPlan {
  readonly engine: 'postgres';
  readonly target: DatabaseTarget;
  readonly username: string;
  /** Asked for every new connection, so that a password may change in its file. */
  readonly password: () => Promise<string>;
  readonly source: string;
}

export interface EmbeddedPlan {
  readonly engine: 'pglite';
  /** Undefined: in memory, and gone with the process. */
  readonly folder?: string;
  readonly source: string;
}

export type DatabasePlan = PostgresPlan | EmbeddedPlan;

const DEVELOPMENT_FOLDER = '.bulkhead/database';

/**
 * How SQL is reached, or every rule that the settings break.
 *
 * @param env to tell a URL that is missing from one that could not be read
 */
export function planDatabase(settings: Settings, env: Environment): DatabasePlan | Fault[] {
  const own = settings.of(DatabaseSettings);
  const { profile } = settings;
  if (own.url === undefined) {
    // Its own fault stands in the list already.
    if (env['DATABASE_URL'] || env['DATABASE_URL_FILE']) return [];
    return embeddedPlan(own, profile);
  }
  const parsed = parseDatabaseUrl(own.url);
  const source = settings.fileOf('DATABASE_URL') === undefined ? 'DATABASE_URL' : 'DATABASE_URL_FILE';
  if (isUrlFault(parsed)) return [{ variable: source, ...parsed }];
  const username = own.username ?? parsed.username;
  const faults = [
    ...loginFaults(own, parsed),
    ...tlsFileFaults(own, parsed),
    ...(isLocal(profile) ? [] : policyFaults(own, parsed, profile)),
  ];
  if (own.folder !== undefined) {
    faults.push({
      variable: 'DATABASE_FOLDER',
      rule: 'is set beside DATABASE_URL, so it is unclear where data shall be',
      remedy: 'Set exactly one of the two',
    });
  }
  if (faults.length > 0 || username === undefined) return faults;
  const { host, port, database, tls } = parsed;
  return {
    engine: 'postgres',
    target: { host, port, database, tls },
    username,
    password: passwordSource(settings, own.password ?? parsed.password),
    source,
  };
}

function embeddedPlan(own: DatabaseSettings, profile: Profile): DatabasePlan | Fault[] {
  if (!isLocal(profile)) {
    const rule = `is not set, and ${profile} refuses the embedded engine: data would live in one process`;
    return [{ variable: 'DATABASE_URL', rule, remedy: 'Name a PostgreSQL database' }];
  }
  if (own.folder !== undefined) return { engine: 'pglite', folder: own.folder, source: 'DATABASE_FOLDER' };
  const source = `profile ${profile}`;
  return profile === 'development'
    ? { engine: 'pglite', folder: DEVELOPMENT_FOLDER, source }
    : { engine: 'pglite', source };
}

function loginFaults(own: DatabaseSettings, parsed: ParsedDatabaseUrl): Fault[] {
  const faults: Fault[] = [];
  if (own.username === undefined && parsed.username === undefined) {
    faults.push({
      variable: 'DATABASE_USERNAME',
      rule: 'is not set, and neither does DATABASE_URL name a role',
      remedy: 'Set one of the two',
    });
  }
  if (own.username !== undefined && parsed.username !== undefined && own.username !== parsed.username) {
    faults.push({
      variable: 'DATABASE_USERNAME',
      rule: 'names another role than DATABASE_URL',
      remedy: 'Name it once',
    });
  }
  if (own.password !== undefined && parsed.password !== undefined) {
    faults.push({
      variable: 'DATABASE_PASSWORD',
      rule: 'is set although DATABASE_URL holds a password',
      remedy: 'Give it once',
    });
  }
  return faults;
}

/** Outside local profiles. */
function policyFaults(own: DatabaseSettings, parsed: ParsedDatabaseUrl, profile: Profile): Fault[] {
  const faults: Fault[] = [];
  if (!parsed.tls) {
    faults.push({
      variable: 'DATABASE_URL',
      rule: `connects without TLS, which ${profile} refuses: passwords and data would cross the network readable`,
      remedy: 'End it with ?sslmode=verify-full',
    });
  }
  if (own.password === undefined && parsed.password === undefined && own.tlsCertFile === undefined) {
    faults.push({
      variable: 'DATABASE_PASSWORD',
      rule: 'is not set, and there is neither a password in DATABASE_URL nor a client certificate',
      remedy: 'Set DATABASE_PASSWORD or DATABASE_PASSWORD_FILE',
    });
  }
  return faults;
}
