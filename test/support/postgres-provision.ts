import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runForInstall } from './apt-install.js';
import { find } from './redis-binary.js';
import type { Machine } from './redis-provision.js';

/** Programs of one PostgreSQL. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** Where Debian puts them; they are not on the PATH there. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';

const HOW_TO_GET_POSTGRES = [
  'Debian, Ubuntu:  sudo apt-get install -y --no-install-recommends postgresql',
  'Fedora, RHEL:    sudo dnf install -y postgresql-server',
  'Alpine:          apk add postgresql',
  'macOS:           brew install postgresql@17',
  'elsewhere:       POSTGRES_BIN_DIR=/path/to/its/bin npm test',
];

/** `POSTGRES_BIN_DIR`, else PATH, else the newest where Debian puts them. */
export function findPostgres(
  env: NodeJS.ProcessEnv = process.env,
  debianFolder = DEBIAN_FOLDER,
): PostgresBinaries | undefined {
  const wanted = env['POSTGRES_BIN_DIR'];
  if (wanted) return inFolder(wanted, env);
  const postgres = find('postgres', env);
  const initdb = find('initdb', env);
  if (postgres && initdb) return { postgres, initdb };
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : [];
  const newestFirst = versions
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => b - a);
  for (const version of newestFirst) {
    const found = inFolder(join(debianFolder, String(version), 'bin'), env);
    if (found) return found;
  }
  return undefined;
}

/**
 * The programs, found or just installed. Installing changes the machine: only as root, and where somebody sits there
 * who could be asked it is left to him.
 *
 * @throws Error that says how to get them
 */
export async function providePostgres(
  machine: Machine,
  print: (line: string) => void,
): Promise<PostgresBinaries> {
  const { env, root, debian, terminal } = machine;
  const found = findPostgres(env);
  if (found) return found;
  const mayInstall = root && debian && find('apt-get', env) && (env['CI'] === 'true' || !terminal);
  if (!env['POSTGRES_BIN_DIR'] && mayInstall) {
    print('No PostgreSQL found: installing the package postgresql with apt-get.');
    await install(env, print);
  }
  const installed = findPostgres(env);
  if (installed) return installed;
  const named = env['POSTGRES_BIN_DIR'] ? ' in POSTGRES_BIN_DIR' : '';
  throw new Error(
    [`No PostgreSQL found${named}, and tests of SQL run on a real one:`, ...HOW_TO_GET_POSTGRES].join('\n  '),
  );
}

async function install(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<void> {
  try {
    await runForInstall('apt-get', ['update'], env);
    await runForInstall('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], env);
    if (existsSync('/run/systemd/system') && find('systemctl', env))
      await runForInstall('systemctl', ['disable', '--now', 'postgresql.service'], env);
  } catch (error) {
    print(`Installing PostgreSQL failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function inFolder(folder: string, env: NodeJS.ProcessEnv): PostgresBinaries | undefined {
  const postgres = find(join(folder, 'postgres'), env);
  const initdb = find(join(folder, 'initdb'), env);
  return postgres && initdb ? { postgres, initdb } : undefined;
}
