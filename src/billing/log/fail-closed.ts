import { Logger } from '@nestjs/common';
import { systemClock } from '../../kernel/time.js';
import { RedisCommandError, RedisUnavailableError } from '../../redis/index.js';
import { RepeatGuard } from '../../telemetry/index.js';

const RETRY_AFTER_MS = 1000;
const WARN_EVERY_MS = 300_000;
const logger = new Logger('BillingLog');
const repeats = new RepeatGuard(systemClock, WARN_EVERY_MS);

/**
 * A server that refuses what it should do, or answers in another shape, is as good as none: whoever asked has done
 * nothing wrong and may come again. Stripe keeps an event that is answered with 503, and so does a backfill.
 *
 * @throws RedisUnavailableError
 */
export async function failClosed<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RedisCommandError)) throw error;
    // Whoever plants such a value, and asks for it again and again, fills no log.
    repeats.once(error.message, (suppressed) =>
      logger.error(error.message, { server_code: error.serverCode, suppressed }),
    );
    throw new RedisUnavailableError({
      purpose: 'billingEvents',
      reason: error.serverCode === 'REPLY' ? 'protocol' : 'other',
      retryAfterMs: RETRY_AFTER_MS,
      maybeExecuted: true,
    });
  }
}
