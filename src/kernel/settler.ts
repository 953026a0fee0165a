/**
 * Who is told how something ended: one of both, once. Where thousands of things end in a second this costs a fraction of a
 * promise each, which the runtime follows for the record of the request (docs/adr/0009-request-context.md).
 *
 * Neither may throw: whoever tells has others to tell.
 */
export interface Settler<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** The same as a promise, for whoever waits for one thing only. */
export function settled<T>(begin: (settler: Settler<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => begin({ resolve, reject }));
}
