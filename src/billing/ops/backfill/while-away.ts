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
  try {
    return await work();
  } catch (error) {
    return await againWhileAway(error, work, clock, signal);
  }
}

/**
 * As `whileAway`, of work that was tried once.
 *
 * @param failure of that try
 */
export async function againWhileAway<T>(
  failure: unknown,
  work: () => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  let lost = failure;
  for (let tries = 1; ; tries += 1) {
    if (!isAway(lost) || tries === MOST_TRIES) throw lost;
    await sleep(pauseMs(tries, undefined, Math.random()), clock, signal);
    try {
      return await work();
    } catch (error) {
      lost = error;
    }
  }
}

export function isAway(error: unknown): boolean {
  const ended = error instanceof LockLostError || error instanceof InterruptedError;
  return error instanceof AppError && error.status === 503 && !ended;
}
