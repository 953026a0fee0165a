import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/**
 * The server that the tests start: `REDIS_SERVER_BIN`, else `redis-server`, else `valkey-server` on PATH.
 * An explicit `REDIS_SERVER_BIN` that cannot be executed gives undefined and not the next candidate: who names a
 * version wants to know that it was not the one tested.
 */
export function findRedisServer(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const wanted = env['REDIS_SERVER_BIN'];
  if (wanted) return find(wanted, env);
  return find('redis-server', env) ?? find('valkey-server', env);
}

/** An executable by name on PATH, or by path. */
export function find(command: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (isAbsolute(command) || command.includes('/')) {
    const path = resolve(command);
    return isExecutable(path) ? path : undefined;
  }
  for (const dir of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(dir, command);
    if (dir && isExecutable(path)) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
