import { Logger } from '@nestjs/common';
import { RedisCommandError, RedisUnavailableError } from '../redis/index.js';
import type { Metrics } from '../telemetry/index.js';

export type TokenOperation = 'issue' | 'claim' | 'finish' | 'release' | 'revoke' | 'nonce';

const RETRY_AFTER_MS = 1000;
const logger = new Logger('SecurityTokens');

/**
 * Where Redis does not answer, nobody answers in its place: the error goes on to the caller, as 503, and is counted.
 * There is no substitute, here or elsewhere: a token that a process remembers is used once per process.
 *
 * @throws RedisUnavailableError, also for what a server refused or answered that it should not: callers have done nothing
 *   wrong, and what it did is unknown
 */
export async function failClosed<T>(
  metrics: Metrics,
  operation: TokenOperation,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const closed = error instanceof RedisCommandError ? unavailable(error) : error;
    const reason = closed instanceof RedisUnavailableError ? closed.reason : 'other';
    metrics.securityTokenFailClosed.inc({ operation, reason });
    throw closed;
  }
}

/** The server works, but not as it should: somebody has to look at it. */
function unavailable(error: RedisCommandError): RedisUnavailableError {
  logger.error(error.message, { server_code: error.serverCode });
  return new RedisUnavailableError({
    purpose: 'securityTokens',
    reason: error.serverCode === 'REPLY' ? 'protocol' : 'other',
    retryAfterMs: RETRY_AFTER_MS,
    maybeExecuted: true,
  });
}
