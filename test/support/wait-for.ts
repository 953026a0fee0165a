import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is awaited, as the end of the sentence "Timed out waiting for …". */
  what: string;
  /** Generous by default: a bound against hanging on a noisy machine, not an assertion about speed. */
  timeoutMs?: number;
  intervalMs?: number;
}

/**
 * Polls until the predicate gives a truthy value, and returns that value.
 *
 * This file is the only place where tests wait for real time: a fixed sleep is either too short on a busy machine
 * or too long everywhere else, and says nothing when it was too short. Here the error names what was awaited
 * and the last thing that was seen (a value, or what the predicate threw).
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { what, timeoutMs = 20_000, intervalMs = 5 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let lastSeen = 'nothing: the predicate has not finished once';
  for (;;) {
    const remaining = deadline - performance.now();
    try {
      const value = await orTimeout(predicate(), remaining);
      if (value === TIMED_OUT) break;
      if (value) return value;
      lastSeen = inspect(value, { depth: 3, breakLength: 100 });
    } catch (error) {
      lastSeen = `an error: ${error instanceof Error ? error.message : inspect(error)}`;
    }
    if (performance.now() >= deadline) break;
    await sleep(intervalMs);
  }
  throw new Error(`Timed out after ${timeoutMs} ms waiting for ${what}; last seen: ${lastSeen}`);
}

/**
 * Whether none of the promises settles within a window of real time: the only way to observe that nothing happens.
 * Keep the window short; a longer one proves hardly more.
 */
export async function staysPending(promises: Promise<unknown>[], windowMs = 150): Promise<boolean> {
  const settled = promises.map((promise) => promise.then(noop, noop));
  return (await orTimeout(Promise.race(settled), windowMs)) === TIMED_OUT;
}

/** Resolves with the event's name; unlike `once` of Node, an 'error' event that comes first does not reject it. */
export function eventually(emitter: EventEmitter, event: string): Promise<string> {
  return new Promise((resolve) => emitter.once(event, () => resolve(event)));
}

const noop = (): void => undefined;

const TIMED_OUT = Symbol('timed out');

/** A predicate that itself never settles (a command to a frozen server) must not defeat the timeout. */
async function orTimeout<T>(pending: T | Promise<T>, ms: number): Promise<T | typeof TIMED_OUT> {
  if (!(pending instanceof Promise)) return pending;
  const timer = new AbortController();
  try {
    return await Promise.race([
      pending,
      sleep(Math.max(ms, 0), TIMED_OUT as typeof TIMED_OUT, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}
