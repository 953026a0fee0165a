import { Secret } from '../kernel/redact.js';
import { MOST_SECRET_BYTES, UnfitFile, readBounded } from './bounded-file.js';
import type { Environment } from './profile.js';
import type { Fault } from './fault.js';
import type { Variable } from './variable.decorator.js';

/** @param file where the value was read from, if not from the variable itself */
export type Reading = { value: unknown; file?: string } | { fault: Fault } | undefined;

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
  const text =
    found.text === undefined || found.text === ''
      ? (variable.defaultFrom?.(env) ?? variable.default)
      : found.text;
  if (text === undefined) return undefined;
  try {
    return { value: convert(variable, text), ...(found.file === undefined ? {} : { file: found.file }) };
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'is not valid';
    return { fault: { variable: found.source, rule, remedy: `Correct it: ${variable.doc}` } };
  }
}

function readText(
  variable: Variable,
  name: string,
  env: Environment,
): { text: string | undefined; source: string; file?: string } | { fault: Fault } {
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

/**
 * A line break at the end is refused and not cut off: whether it belongs to the secret nobody can tell, and the
 * server would see another password than the one who wrote the file.
 */
export function readSecretFile(
  variable: string,
  path: string,
): { text: string; source: string; file: string } | { fault: Fault } {
  const fault = (rule: string, remedy: string) => ({ fault: { variable, rule, remedy } });
  try {
    const text = readBounded(path, MOST_SECRET_BYTES).toString('utf8');
    if (/^[\r\n]*$/.test(text)) return fault('names a file that is empty', 'Write the value into the file');
    if (!/[\r\n]$/.test(text)) return { text, source: variable, file: path };
    return fault(
      'names a file that ends with a line break, so it is unclear whether the break belongs to the secret',
      'Write the file without one: printf \'%s\' "$VALUE" > file',
    );
  } catch (error) {
    if (error instanceof UnfitFile)
      return fault(`names a file that ${error.message}`, 'Name a file that holds the value and nothing else');
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return fault(
      `names a file that cannot be read (${code})`,
      'Check the path and the permissions of the process',
    );
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
