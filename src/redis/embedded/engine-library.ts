/**
 * The one door to the embedded engine's package. It is a development dependency: the import is lazy, so that a
 * production install neither contains nor loads it. The other files of this folder use its types only.
 */
export type EngineLibrary = typeof import('js-redis-server/core');
export type EngineState = InstanceType<EngineLibrary['RedisServerState']>;
export type EngineExecutor = InstanceType<EngineLibrary['CommandExecutor']>;
export type EngineRegistry = InstanceType<EngineLibrary['CommandRegistry']>;
export type EngineResult = InstanceType<EngineLibrary['RedisResult']>;
export type CommandDefinition = NonNullable<ReturnType<EngineRegistry['get']>>;
export type { RedisTurnHandle as EngineTurn, RedisTurnQueue as EngineTurnQueue } from 'js-redis-server/core';
export type {
  CommandSchema,
  ConnectionTransport,
  ParkHandler,
  RedisExecutionContext,
} from 'js-redis-server/core';
export type { RedisValue as EngineValue } from 'js-redis-server/core';

export class EmbeddedEngineMissingError extends Error {
  override readonly name = 'EmbeddedEngineMissingError';
  readonly code = 'EMBEDDED_ENGINE_MISSING';

  constructor(cause: unknown) {
    super(
      'The embedded Redis engine was asked for, but its package "js-redis-server" is not installed. ' +
        'It is a development dependency, so a production install (npm ci --omit=dev) does not contain it. ' +
        'Set REDIS_URL, or the URL of each purpose, to use a real Redis; or run "npm ci" with development dependencies.',
      { cause },
    );
  }
}

const importLibrary = (): Promise<EngineLibrary> => import('js-redis-server/core');

export async function loadEngineLibrary(load = importLibrary): Promise<EngineLibrary> {
  try {
    return await load();
  } catch (error) {
    throw isModuleNotFound(error) ? new EmbeddedEngineMissingError(error) : error;
  }
}

function isModuleNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
