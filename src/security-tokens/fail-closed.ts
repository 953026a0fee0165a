import { RedisUnavailableError, failClosed as redisFailClosed } from '../redis/index.js';
import type { Metrics } from '../telemetry/index.js';

export type TokenOperation = 'issue' | 'claim' | 'finish' | 'release' | 'revoke' | 'nonce';

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
    return await redisFailClosed('securityTokens', ask);
  } catch (error) {
    const reason = error instanceof RedisUnavailableError ? error.reason : 'other';
    metrics.securityTokenFailClosed.inc({ operation, reason });
    throw error;
  }
}
