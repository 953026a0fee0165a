import { describe, expect, it } from 'vitest';
import { type Instance, openFleet } from './substitute.rig.js';

const BURST = 60;
const PER_SECOND = 5;
const ROW = { per: 'ip', quota: 60 * PER_SECOND, windowMs: 60_000, burst: BURST } as const;
const STEP_MS = 20;
const MINUTE_MS = 60_000;

/** Reproducible, from 0 to 1. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The instance of the next request. */
type Spread = (random: () => number, instances: readonly Instance[], nowMs: number) => Instance | undefined;

const SPREADS: Readonly<Record<string, Spread>> = {
  'at random': (random, instances) => instances[Math.floor(random() * instances.length)],
  'to one after the other, a second each': (_random, instances, nowMs) =>
    instances[Math.floor(nowMs / 1000) % instances.length],
};

type House = ReturnType<typeof openFleet>;

interface Moment {
  readonly atMs: number;
  readonly run: () => void;
}

/** Outages of every length; instances notice loss and return one after the other, as their connections do. */
function outages(random: () => number, forgetful: boolean, { redis, fleet }: House): Moment[] {
  const moments: Moment[] = [];
  for (let atMs = 1000; atMs < MINUTE_MS;) {
    const lostMs = atMs;
    const backMs = lostMs + 200 + 9000 * random() ** 2;
    const forgets = forgetful && random() < 0.5;
    moments.push({ atMs: lostMs, run: () => void (redis.fate = 'lost') });
    moments.push({
      atMs: backMs,
      run: () => {
        redis.fate = 'answered';
        if (forgets) redis.forgetAll();
      },
    });
    for (const instance of fleet) {
      moments.push({ atMs: lostMs + 100 * random(), run: () => instance.leave() });
      moments.push({ atMs: backMs + 1900 * random(), run: () => instance.comeBack() });
    }
    atMs = backMs + 2000 + 8000 * random();
  }
  return moments.toSorted((one, other) => one.atMs - other.atMs);
}

/** Admitted over granted, in the window where that is most. */
function worstShare(admittedMs: readonly number[]): number {
  let worst = 0;
  for (const [first, startMs] of admittedMs.entries())
    for (let last = first; last < admittedMs.length; last += 1) {
      const seconds = ((admittedMs[last] as number) - startMs) / 1000;
      worst = Math.max(worst, (last - first + 1) / (BURST + PER_SECOND * seconds));
    }
  return worst;
}

interface Course {
  readonly size: number;
  readonly spread: Spread;
  /** The server may have lost its data when it returns. */
  readonly forgetful: boolean;
}

/** One client that asks ten times as often as it may, for a minute. */
function run(seed: number, { size, spread, forgetful }: Course): { share: number; used: number } {
  const random = dice(seed);
  const house = openFleet(size, ROW);
  const { clock, fleet } = house;
  const moments = outages(random, forgetful, house);
  const admittedMs: number[] = [];
  const startMs = clock.monotonicMs();
  for (let nowMs = 0; nowMs < MINUTE_MS; nowMs += STEP_MS) {
    while (moments[0] && moments[0].atMs <= nowMs) moments.shift()?.run();
    if (spread(random, fleet, nowMs)?.spend()) admittedMs.push(clock.monotonicMs() - startMs);
    clock.advance(STEP_MS);
  }
  const granted = BURST + (PER_SECOND * MINUTE_MS) / 1000;
  return { share: worstShare(admittedMs), used: admittedMs.length / granted };
}

describe('A fleet that loses Redis again and again', () => {
  const cases = [1, 2, 3, 5].flatMap((size) => [
    { size, spread: 'at random', forgetful: false, most: 1.1 },
    // What an instance knew of a client that never came back to it is lost with the server.
    { size, spread: 'at random', forgetful: true, most: 1.2 },
    // An instance that is back lets Redis grant everything, while another one is not and grants its share.
    { size, spread: 'to one after the other, a second each', forgetful: false, most: 1.2 },
  ]);

  it.each(cases)(
    'of $size admits at most $most times what is granted: requests $spread, server forgetful: $forgetful',
    ({ size, spread, forgetful, most }) => {
      const course = { size, spread: SPREADS[spread] as Spread, forgetful };
      const runs = Array.from({ length: 12 }, (_, seed) => run(seed, course));
      expect(Math.max(...runs.map(({ share }) => share))).toBeLessThanOrEqual(most);
      expect(Math.min(...runs.map(({ used }) => used))).toBeGreaterThan(0.95);
    },
  );
});
