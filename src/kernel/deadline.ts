import type { Clock, Timer } from './time.js';

/** A timer that fires this late means that our own process stood still. */
const STALL_MS = 20;
const GRACE_MS = 25;

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
    if (clock.monotonicMs() - dueMs > STALL_MS) timer = clock.after(GRACE_MS, tell);
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
