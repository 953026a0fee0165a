import { parseEnv } from 'node:util';
import type { DynamicModule } from '@nestjs/common';
import { type Environment, type Fault, type Profile, judge } from '../config/index.js';
import { variableGroups } from './environment-variables.js';
import { nearestName } from './nearest-name.js';

export interface EnvironmentVerdict {
  readonly profile: Profile;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  /** Variables of the process that a start would take beside the file, or instead of its line. */
  readonly ofProcess: readonly string[];
}

/** Read by Node, the container or docker compose and not by a settings class. */
const FOREIGN = [
  'APP_PROFILE NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED',
  'PATH HOME USER SHELL TMPDIR TZ LANG LC_ALL HOSTNAME REDIS_IMAGE',
].flatMap((names) => names.split(' '));

/**
 * Judges the text of a dotenv file as a start would with it.
 *
 * @param environment of the process, whose variables win over the lines of the file
 */
export function checkEnvironment(
  modules: readonly DynamicModule[],
  text: string,
  environment: Environment = {},
): EnvironmentVerdict {
  const file = parseEnv(text);
  const { settings, faults } = judge(modules, { ...file, ...environment });
  const read = namesRead(modules);
  const warnings = [...settings.warnings, ...unknownNames(new Set([...FOREIGN, ...read]), Object.keys(file))];
  const ofProcess = Object.keys(environment).filter(
    (name) => read.has(name) && environment[name] !== undefined,
  );
  return { profile: settings.profile, faults, warnings, ofProcess: ofProcess.sort() };
}

/** What a start looks at. */
function namesRead(modules: readonly DynamicModule[]): ReadonlySet<string> {
  const variables = variableGroups(modules).flatMap((group) => group.variables);
  return new Set([
    'APP_PROFILE',
    'NODE_ENV',
    ...variables.flatMap(({ name, fileName }) => (fileName === undefined ? [name] : [name, fileName])),
  ]);
}

function unknownNames(known: ReadonlySet<string>, names: readonly string[]): string[] {
  return names
    .filter((name) => !known.has(name) && !name.startsWith('COMPOSE_'))
    .sort()
    .map((name) => {
      // A URL that lost its name is read as one, up to an equals sign in its password.
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'a line is not of the form NAME=value';
      const meant = nearestName(name, known);
      return `${name} is not read by anything${meant === undefined ? '' : `; is ${meant} meant?`}`;
    });
}
