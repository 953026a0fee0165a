import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ShutdownBudget, shutDown, shutdownBudget } from './app.shutdown.js';
import type { Profile } from './config/index.js';

const BUDGET: ShutdownBudget = { deadlineMs: 10_000, readinessDelayMs: 2000, drainMs: 7000, quitMs: 1000 };

/** Every profile, or it does not compile: deadline and delay where nothing is set, milliseconds. */
const UNSET: Readonly<Record<Profile, readonly [deadlineMs: number, delayMs: number]>> = {
  demo: [5000, 0],
  test: [5000, 0],
  development: [5000, 0],
  staging: [25_000, 5000],
  production: [25_000, 5000],
};
const PROFILES = Object.keys(UNSET) as Profile[];

describe('shutdownBudget', () => {
  const given = [undefined, 2000, 2001, 25_000, 600_000];
  it.each(PROFILES.flatMap((profile) => given.map((deadlineMs) => [profile, deadlineMs] as const)))(
    'has parts that add up to the deadline: %s, %s',
    (profile, deadlineMs) => {
      const budget = shutdownBudget(profile, deadlineMs === undefined ? {} : { deadlineMs });
      const { readinessDelayMs, drainMs, quitMs } = budget;
      expect(readinessDelayMs + drainMs + quitMs).toBe(budget.deadlineMs);
      expect(budget.deadlineMs).toBe(deadlineMs ?? UNSET[profile][0]);
      for (const part of [drainMs, quitMs]) expect(part).toBeGreaterThan(0);
    },
  );

  it.each(PROFILES)('has its own default in %s, with time until load balancers have noticed', (profile) => {
    const [deadlineMs, readinessDelayMs] = UNSET[profile];
    expect(shutdownBudget(profile, {})).toMatchObject({ deadlineMs, readinessDelayMs });
  });

  it('gives load balancers a fifth of a short deadline', () => {
    expect(shutdownBudget('production', { deadlineMs: 4001 })).toMatchObject({ readinessDelayMs: 800 });
  });
});

describe('shutDown', () => {
  let startedMs: number;
  let events: string[];
  const note = (event: string) => events.push(`${event} at ${Date.now() - startedMs}`);

  beforeEach(() => {
    vi.useFakeTimers();
    startedMs = Date.now();
    events = [];
  });
  afterEach(() => vi.useRealTimers());

  /** @param closeMs how long closing takes; `cut`: until the requests are cut; endless without it */
  function start(closeMs?: number | 'cut'): Promise<boolean> {
    let end = (): void => undefined;
    const steps = {
      begin: () => void note('begin'),
      close: () => {
        note('close');
        return new Promise<void>((resolve) => {
          end = resolve;
          if (typeof closeMs === 'number') setTimeout(resolve, closeMs);
        });
      },
      cut: () => {
        note('cut');
        if (closeMs === 'cut') end();
      },
    };
    return shutDown(steps, BUDGET).then((itself) => {
      note('end');
      return itself;
    });
  }

  it('turns readiness off at once, serves on, and then closes', async () => {
    const ended = start(100);
    expect(events).toEqual(['begin at 0']);
    await vi.advanceTimersByTimeAsync(BUDGET.deadlineMs);
    await expect(ended).resolves.toBe(true);
    expect(events).toEqual(['begin at 0', 'close at 2000', 'end at 2100']);
  });

  it('cuts what is still open when the time for draining is over', async () => {
    const ended = start('cut');
    await vi.advanceTimersByTimeAsync(BUDGET.deadlineMs);
    await expect(ended).resolves.toBe(true);
    expect(events).toEqual(['begin at 0', 'close at 2000', 'cut at 9000', 'end at 9000']);
  });

  it('lets the deadline decide when nothing else ends it', async () => {
    const ended = start();
    await vi.advanceTimersByTimeAsync(BUDGET.deadlineMs);
    await expect(ended).resolves.toBe(false);
    expect(events).toEqual(['begin at 0', 'close at 2000', 'cut at 9000', 'end at 10000']);
  });

  it('passes on that closing failed, and cuts nothing after it', async () => {
    const steps = {
      begin: () => undefined,
      close: () => Promise.reject(new Error('a hook failed')),
      cut: () => void note('cut'),
    };
    const failure = shutDown(steps, BUDGET).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(BUDGET.deadlineMs);
    expect(String(await failure)).toContain('a hook failed');
    expect(events).toEqual([]);
  });
});
