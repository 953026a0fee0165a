import { RedisCommandError, RedisUnavailableError } from '../redis/index.js';

/** Whether Redis surely did nothing of what it was asked; else it may have done it, answer or not. */
export function surelyUnheard(error: unknown): boolean {
  return error instanceof RedisUnavailableError && !error.maybeExecuted;
}

/**
 * Why Redis did not answer, so that something else may take its place.
 *
 * @returns undefined for a mistake of this program, which nothing may cover up
 */
export function lossReason(error: unknown): string | undefined {
  if (error instanceof RedisUnavailableError) return error.reason;
  // The server refused this one call: the compartment may seem well all the while.
  return error instanceof RedisCommandError ? 'other' : undefined;
}
