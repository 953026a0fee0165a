/** Longest that setInterval takes, a 32-bit number of milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Waits for something with the process kept alive. Timers of a Clock never keep it, so that whoever waits for one while
 * no socket is open would see the process end in the middle, without a word.
 *
 * @returns what `work` gives; throws what it throws
 */
export async function stayAwake<T>(work: () => Promise<T>): Promise<T> {
  const handle = setInterval(() => undefined, LONGEST_MS);
  try {
    return await work();
  } finally {
    clearInterval(handle);
  }
}
