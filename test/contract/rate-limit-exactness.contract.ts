import { beforeEach, expect, it } from 'vitest';
import type { Meter } from '../../src/rate-limit/counting/meter.js';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import type { RedisCounter } from '../../src/rate-limit/counting/redis-counter.js';
import { type CompiledLimit, compileLimit } from '../../src/rate-limit/policies/compiled-limit.js';
import type { LimitRow } from '../../src/rate-limit/policies/policy.js';
import { askRedis, counterOf, limitOf, meterOf, scriptClient } from './rate-limit.rig.js';
import { pause } from './support/commands.js';
import { withEngine } from './support/engine.js';
import { statesOf, storeOf } from './support/limit-states.js';

const CLIENTS = 3;
const FLOOD_MS = 3000;
const ATTEMPTS_PER_MS = 1;

const compiled = (row: LimitRow): CompiledLimit => compileLimit('p', { limits: [row] }, row);

/** One instance: a connection, a counter and meters of its own. */
interface Instance {
  readonly counter: RedisCounter;
  readonly meters: readonly Meter[];
}

/** When an attempt was made and answered; what Redis did lies between. */
interface Attempt {
  readonly askedMs: number;
  readonly answeredMs: number;
}

interface Flood {
  readonly admissions: readonly Attempt[];
  /** The longest time in which Redis may not have been asked. */
  readonly longestPauseMs: number;
}

withEngine('Limits that several instances share', (engine) => {
  const counters: RedisCounter[] = [];
  beforeEach(async () => {
    const missing = Array.from({ length: CLIENTS - counters.length }, () => engine.connect());
    for (const redis of await Promise.all(missing)) counters.push(counterOf(scriptClient(redis)));
  });

  const instances = (limits: readonly CompiledLimit[]): Instance[] =>
    counters.map((counter) => ({ counter, meters: limits.map((limit) => meterOf(limit, 'shared')) }));

  const attempt = async ({ counter, meters }: Instance, operation = OPERATION.spend as 0 | 1) =>
    (await askRedis(counter, [{ operation, meters, cost: 1 }]))[0];

  /** @returns how many of so many simultaneous checks were admitted */
  async function storm(limits: readonly CompiledLimit[], checks: number): Promise<number> {
    const all = instances(limits);
    const answers = await Promise.all(
      Array.from({ length: checks }, (_, at) => attempt(all[at % CLIENTS] as Instance)),
    );
    return answers.filter((answer) => answer?.allowed).length;
  }

  const left = async (limits: readonly CompiledLimit[]) =>
    (await attempt(instances(limits)[0] as Instance, OPERATION.peek))?.outcomes.map(
      ({ remaining }) => remaining,
    );

  it.each(['rate-hundred', 'window-hundred'])(
    'admit exactly %s of 1,000 simultaneous checks',
    async (name) => {
      expect(await storm([limitOf(name)], 1000)).toBe(100);
      expect(await storm([limitOf(name)], 100)).toBe(0);
    },
  );

  it('admit exactly the tightest of three, and spend nothing else', async () => {
    const limits = ['rate-hundred', 'window-ten', 'rate-three'].map(limitOf);
    expect(await storm(limits, 1000)).toBe(3);
    expect(await left(limits)).toEqual([97, 7, 0]);
  });

  it('are exact although the server forgets the script between', async () => {
    expect(await storm([limitOf('rate-hundred')], 30)).toBe(30);
    await engine.redis.script('FLUSH');
    expect(await storm([limitOf('rate-hundred')], 1000)).toBe(70);
  });

  it('admit at most 1.2 of their limit at any moment of a flood', async () => {
    const rate = compiled({ per: 'user', quota: 100, windowMs: 1000, burst: 20 });
    const window = compiled({ kind: 'window', per: 'user', quota: 100, windowMs: 1000 });
    const [ofRate, ofWindow] = await Promise.all([flood(instances([rate])), flood(instances([window]))]);
    expect(mostWithin(ofRate.admissions, 1000)).toBeLessThanOrEqual(120);
    // Units that come late, because this machine stood still for a while, are what a window errs on.
    const late = 100 * (1 + ofWindow.longestPauseMs / 1000);
    expect(mostWithin(ofWindow.admissions, 1000)).toBeLessThanOrEqual(Math.max(120, late));
    for (const { admissions } of [ofRate, ofWindow]) expect(admissions.length).toBeGreaterThan(150);
  });

  it('lose and double nothing where generations turn', async () => {
    // Generations of a fifth of a second, which is as long as these states mean something.
    const short = (row: LimitRow): CompiledLimit => ({ ...compiled(row), generationUs: 200_000 });
    const limit = short({ per: 'user', quota: 50, windowMs: 100, burst: 50 });
    const window = short({ kind: 'window', per: 'user', quota: 20, windowMs: 100 });
    let looks = 0;
    const watch = async (): Promise<void> => {
      const store = await storeOf(engine.redis);
      statesOf(store);
      for (const key of store.keys()) expect(await engine.redis.pttl(key)).not.toBe(-1);
      looks += 1;
    };
    const startMs = performance.now();
    const [ofRate, ofWindow] = await Promise.all([
      flood(instances([limit]), watch),
      flood(instances([window])),
    ]);
    const passedMs = performance.now() - startMs;
    expect(looks).toBeGreaterThan(10);
    expect(ofRate.admissions.length).toBeLessThanOrEqual(50 + passedMs / 2);
    expect(ofRate.admissions.length).toBeGreaterThan(50 + FLOOD_MS / 4);
    expect(ofWindow.admissions.length).toBeLessThanOrEqual(20 * (1 + passedMs / 100));
    expect(ofWindow.admissions.length).toBeGreaterThan((20 * FLOOD_MS) / 200);
  });

  /** Attempts at an even pace for three seconds, one instance after the other. */
  async function flood(all: readonly Instance[], each?: () => Promise<void>): Promise<Flood> {
    const admissions: Attempt[] = [];
    let [longestPauseMs, lastMs] = [0, performance.now()];
    const running: Promise<void>[] = [];
    const startMs = performance.now();
    const one = async (at: number): Promise<void> => {
      const askedMs = performance.now();
      const answer = await attempt(all[at % CLIENTS] as Instance);
      const answeredMs = performance.now();
      longestPauseMs = Math.max(longestPauseMs, answeredMs - lastMs);
      lastMs = askedMs;
      if (answer?.allowed) admissions.push({ askedMs, answeredMs });
    };
    let made = 0;
    for (;;) {
      const passedMs = performance.now() - startMs;
      if (passedMs >= FLOOD_MS) break;
      for (; made < passedMs * ATTEMPTS_PER_MS; made += 1) running.push(one(made));
      await pause(5);
      await each?.();
    }
    await Promise.all(running);
    return { admissions, longestPauseMs };
  }
});

/** The most that were certainly admitted within any time of that length. */
function mostWithin(admissions: readonly Attempt[], lengthMs: number): number {
  return Math.max(
    ...admissions.map(({ askedMs: fromMs }) => {
      const within = ({ askedMs, answeredMs }: Attempt): boolean =>
        askedMs >= fromMs && answeredMs <= fromMs + lengthMs;
      return admissions.filter(within).length;
    }),
  );
}
