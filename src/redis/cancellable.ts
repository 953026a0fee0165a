import { RedisAbortedError } from './redis.errors.js';

/** Waits for a blocking read until `signal` says no, and then has the read's connection cut. */
export function cancellable<T>(
  purpose: string,
  signal: AbortSignal,
  read: () => Promise<T>,
  cut: () => void,
): Promise<T> {
  if (signal.aborted) return Promise.reject(new RedisAbortedError(purpose));
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      reject(new RedisAbortedError(purpose));
      cut();
    };
    signal.addEventListener('abort', abort, { once: true });
    // Called inside a promise, so that a read which throws at once leaves no listener behind.
    new Promise<T>((settle) => settle(read()))
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
