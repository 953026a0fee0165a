import type { Clock, Timer } from './time.js';

/** A timer that fires this late means that our own process stood still, not that somebody else is slow. */
const STALL_MS = 20;
const SHORTEST_GRACE_MS = 25;
const LONGEST_GRACE_MS = 250;

/**
 * How long answers are waited for beyond their time after this process stood still: they may lie in the socket already, or
 * have been asked for in the moment before. Whatever stopped this process for long has stopped others on the machine too.
 *
 * @param lateMs of a timer, milliseconds
 * @returns 0: it stood not still
 */
export function graceMsAfter(lateMs: number): number {
  if (lateMs <= STALL_MS) return 0;
  return Math.min(LONGEST_GRACE_MS, Math.max(SHORTEST_GRACE_MS, lateMs / 4));
}

/**
 * Calls `over` when `ms` have passed. After a pause of this process what has arrived meanwhile is read first, so that
 * a healthy server is not given up for it.
 */
export function startDeadline(clock: Clock, ms: number, over: () => void): Timer {
  const dueMs = clock.monotonicMs() + ms;
  let cancelled = false;
  // One turn of the event loop, for what lies in the socket already.
  const tell = () => setImmediate(() => cancelled || over());
  let timer = clock.after(ms, () => {
    const graceMs = graceMsAfter(clock.monotonicMs() - dueMs);
    if (graceMs > 0) timer = clock.after(graceMs, tell);
    else tell();
  });
  return {
    cancel: () => {
      cancelled = true;
      timer.cancel();
    },
  };
}

/**
 * Waits for `work`, and not longer than `ms`: for whoever ends, with what may hang at a server that says nothing. How the
 * work ends is its own affair.
 */
export async function waitAtMost(
  clock: Clock,
  ms: number,
  work: Promise<unknown> | undefined,
): Promise<void> {
  if (!work) return;
  let timer: Timer | undefined;
  const over = new Promise<void>((resolve) => (timer = clock.after(ms, resolve)));
  await Promise.race([work.then(quiet, quiet), over]);
  timer?.cancel();
}

function quiet(): void {}
