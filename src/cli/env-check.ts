import { parseEnv } from 'node:util';
import type { DynamicModule } from '@nestjs/common';
import { type Fault, type Profile, judge } from '../config/index.js';
import { variableGroups } from './environment-variables.js';
import { nearestName } from './nearest-name.js';

export interface EnvironmentVerdict {
  readonly profile: Profile;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/** Read by Node, the container or docker compose and not by a settings class. */
const FOREIGN = [
  'APP_PROFILE NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED',
  'PATH HOME USER SHELL TMPDIR TZ LANG LC_ALL HOSTNAME REDIS_IMAGE',
].flatMap((names) => names.split(' '));

/** Judges the text of a dotenv file by itself, as a start would judge it; the process environment is left out. */
export function checkEnvironment(modules: readonly DynamicModule[], text: string): EnvironmentVerdict {
  const env = parseEnv(text);
  const { settings, faults } = judge(modules, env);
  return { profile: settings.profile, faults, warnings: unknownNames(modules, Object.keys(env)) };
}

function unknownNames(modules: readonly DynamicModule[], names: readonly string[]): string[] {
  const variables = variableGroups(modules).flatMap((group) => group.variables);
  const known = new Set([
    ...FOREIGN,
    ...variables.flatMap(({ name, fileName }) => (fileName === undefined ? [name] : [name, fileName])),
  ]);
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
