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
