import type { Clock } from '../../../kernel/time.js';
import { InterruptedError } from '../ops.errors.js';

/** @throws InterruptedError as soon as `signal` aborts */
export function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      timer.cancel();
      reject(new InterruptedError());
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
