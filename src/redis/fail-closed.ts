import { Logger } from '@nestjs/common';
import { systemClock } from '../kernel/time.js';
import { RepeatGuard } from '../telemetry/index.js';
import type { Purpose } from './purposes.js';
import { RedisCommandError, RedisUnavailableError } from './redis.errors.js';

const RETRY_AFTER_MS = 1000;
const WARN_EVERY_MS = 300_000;
const logger = new Logger('RedisCommand');
const repeats = new RepeatGuard(systemClock, WARN_EVERY_MS);

/**
 * A server that refuses what it should do, or answers in another shape, is as good as none: whoever asked has done
 * nothing wrong and may come again. The server works, but not as it should, so the log asks somebody to look at it.
 *
 * @param purpose whose server is asked: a script does not know by whose client it runs
 * @throws RedisUnavailableError for a RedisCommandError; every other error as it is
 */
export async function failClosed<T>(purpose: Purpose, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RedisCommandError)) throw error;
    const { message, serverCode } = error;
    // Whoever plants such a value, and asks for it again and again, fills no log.
    repeats.once(message, (suppressed) => logger.error(message, { server_code: serverCode, suppressed }));
    throw new RedisUnavailableError({
      purpose,
      reason: serverCode === 'REPLY' ? 'protocol' : 'other',
      retryAfterMs: RETRY_AFTER_MS,
      maybeExecuted: true,
    });
  }
}
