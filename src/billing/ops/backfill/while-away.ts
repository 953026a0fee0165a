import { AppError } from '../../../kernel/errors.js';
import type { Clock } from '../../../kernel/time.js';
import { InterruptedError, LockLostError } from '../ops.errors.js';
import { pauseMs } from './patience.js';
import { sleep } from './sleep.js';

/** With pauses of up to half a minute each. */
const MOST_TRIES = 10;

/**
 * Does what may be done twice, and again for as long as Redis or SQL is away.
 *
 * @throws what it fails with: at once where nobody is away, and where that lasts; InterruptedError as soon as `signal` aborts
 */
export async function whileAway<T>(work: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || tries === MOST_TRIES) throw error;
      await sleep(pauseMs(tries, undefined, Math.random()), clock, signal);
    }
  }
}

export function isAway(error: unknown): boolean {
  const ended = error instanceof LockLostError || error instanceof InterruptedError;
  return error instanceof AppError && error.status === 503 && !ended;
}
