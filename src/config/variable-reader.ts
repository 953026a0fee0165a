import { readFileSync } from 'node:fs';
import { Secret } from '../kernel/redact.js';
import type { Environment } from './profile.js';
import type { Fault } from './fault.js';
import type { Variable } from './variable.decorator.js';

export type Reading = { value: unknown } | { fault: Fault } | undefined;

/** The name in the environment: `_URL` under the prefix `RATE_LIMIT_REDIS` is `RATE_LIMIT_REDIS_URL`. */
export function variableName(variable: Variable, prefix: string): string {
  return variable.name.startsWith('_') ? prefix + variable.name : variable.name;
}

/** Reads one variable, or its `_FILE`, and converts it. Undefined: unset and without default. */
export function readVariable(variable: Variable, prefix: string, env: Environment): Reading {
  const name = variableName(variable, prefix);
  const found = readText(variable, name, env);
  if ('fault' in found) return found;
  // Set but empty counts as unset, as in a compose file's `NAME: ${NAME:-}`.
  const text = found.text === undefined || found.text === '' ? variable.default : found.text;
  if (text === undefined) return undefined;
  try {
    return { value: convert(variable, text) };
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'is not valid';
    return { fault: { variable: found.source, rule, remedy: `Correct it: ${variable.doc}` } };
  }
}

function readText(
  variable: Variable,
  name: string,
  env: Environment,
): { text: string | undefined; source: string } | { fault: Fault } {
  const path = variable.file ? env[`${name}_FILE`] : undefined;
  if (!path) return { text: env[name], source: name };
  if (env[name]) {
    return {
      fault: {
        variable: name,
        rule: `is set both directly and through ${name}_FILE, so it is unclear which one holds`,
        remedy: 'Set exactly one of the two',
      },
    };
  }
  return readSecretFile(`${name}_FILE`, path);
}

/** Files of secret stores end with a newline more often than not; it is not part of the secret. */
export function readSecretFile(
  variable: string,
  path: string,
): { text: string; source: string } | { fault: Fault } {
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    if (text !== '') return { text, source: variable };
    return {
      fault: { variable, rule: 'names a file that is empty', remedy: 'Write the value into the file' },
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return {
      fault: {
        variable,
        rule: `names a file that cannot be read (${code})`,
        remedy: 'Check the path and the permissions of the process',
      },
    };
  }
}

function convert(variable: Variable, text: string): unknown {
  const value = variable.parse ? variable.parse(text) : convertByType(variable.type, text);
  return variable.secret && typeof value === 'string' ? new Secret(value) : value;
}

function convertByType(type: unknown, text: string): unknown {
  if (type === Number) {
    if (!/^-?\d+(\.\d+)?$/.test(text.trim())) throw new Error('must be a number');
    return Number(text);
  }
  if (type === Boolean) {
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    if (/^(false|0|no|off)$/i.test(text)) return false;
    throw new Error('must be true or false');
  }
  return text;
}
