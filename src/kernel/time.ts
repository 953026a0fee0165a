// The global of the same name is a getter that is run at each reading.
import { performance } from 'node:perf_hooks';

/**
 * Time is an argument. Code that waits or measures takes a Clock, so that tests move time instead of
 * sleeping. Units are part of every name: `…Ms` milliseconds, `…Seconds` seconds, `…Us` microseconds.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. Jumps when the machine's clock is set. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction, from an arbitrary start. Use for durations. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. The timer never keeps the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Longest delay that setTimeout takes, a 32-bit number of milliseconds: about 25 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    // Beyond this Node fires at once instead of late.
    const handle = setTimeout(run, Math.min(delayMs, LONGEST_TIMER_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a number of milliseconds, or `250ms`, `5s`, `2m`, `1h`, `35d`. Throws a RangeError otherwise. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) throw new RangeError('must be a number of milliseconds, or a duration such as 5s or 2m');
  return Number(match[1]) * UNITS_MS[(match[2] ?? 'ms') as keyof typeof UNITS_MS];
}
