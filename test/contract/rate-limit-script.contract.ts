import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Meter } from '../../src/rate-limit/counting/meter.js';
import { OPERATION, type Operation } from '../../src/rate-limit/counting/outcome.js';
import { compileLimit } from '../../src/rate-limit/policies/compiled-limit.js';
import type { LimitRow } from '../../src/rate-limit/policies/policy.js';
import { type Counted, History, dice } from './rate-limit.histories.js';
import { type Answer, askRedis, counterOf, meterOf, runVectors } from './rate-limit.rig.js';
import { storeOfHost } from './support/limit-states.js';
import { ScriptHost } from './support/script-host.js';

const SECOND_US = 1e6;
const MINUTE_US = 60 * SECOND_US;
const DAY_US = 86_400 * SECOND_US;
/** Generations of a minute begin at its multiples. */
const START_US = 1_790_000_040 * SECOND_US;

const compiled = (row: LimitRow) => compileLimit('p', { limits: [row] }, row);
/** Ten units, one of which comes back in six seconds: in generations of one minute. */
const RATE = compiled({ per: 'user', quota: 10, windowMs: 60_000, burst: 10 });
const WINDOW = compiled({ kind: 'window', per: 'user', quota: 10, windowMs: 30_000 });
const [EVEN, ODD] = ['rl:{g}:s:60:0', 'rl:{g}:s:60:1'];

describe('decide.lua alone, its clock and its keys in our hands', () => {
  let host: ScriptHost;
  let counter: ReturnType<typeof counterOf>;
  let noticed: { broken: number; version: number };

  beforeAll(async () => {
    host = await ScriptHost.start();
  });
  beforeEach(() => {
    host.keys.clear();
    host.nowUs = START_US;
    noticed = { broken: 0, version: 0 };
    counter = counterOf(host.client, noticed);
  });

  async function ask(operation: Operation, meters: readonly Meter[], cost = 1): Promise<Answer> {
    const [answer] = await askRedis(counter, [{ operation, meters, cost }]);
    return answer as Answer;
  }
  const spend = (meters: readonly Meter[], cost?: number) => ask(OPERATION.spend, meters, cost);
  const left = async (meter: Meter) => (await ask(OPERATION.peek, [meter])).outcomes[0]?.remaining;
  const fieldsOf = (key: string) => [...host.fields(key).keys()].sort();

  describe('answers as every other', () => {
    runVectors(() => ({
      exact: true,
      ask: (questions) => askRedis(counter, questions),
      advance: (seconds) => void (host.nowUs += seconds * SECOND_US),
    }));
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'agrees with its twin, whatever time passes (random history %i)',
    async (seed) => {
      const roll = dice(seed);
      const counted: Counted = {
        ask: (questions) => askRedis(counter, questions),
        store: () => storeOfHost(host),
      };
      const history = new History(counted, roll);
      for (let step = 0; step < 150; step += 1) {
        host.nowUs +=
          [0, roll(1000), roll(100_000), roll(90 * SECOND_US), roll(600) * MINUTE_US][roll(5)] ?? 0;
        if (roll(40) === 0) host.nowUs += roll(100) * DAY_US;
        const { actual, expected } = await history.step();
        expect(actual).toEqual(expected);
      }
      expect(Math.min(history.seen.admitted, history.seen.denied)).toBeGreaterThan(500);
      expect(noticed.broken).toBe(0);
    },
  );

  describe('keeps states in two generations, of which', () => {
    it('each is written with its number, and ends with the one behind it', async () => {
      await spend([meterOf(RATE, 'a')]);
      expect([...host.keys.keys()]).toEqual([EVEN]);
      expect(String(host.fields(EVEN).get('g'))).toBe(String(START_US / MINUTE_US));
      expect(host.pttl(EVEN)).toBe(120_100);
      host.nowUs += 59 * SECOND_US;
      await spend([meterOf(RATE, 'b')]);
      expect(host.pttl(EVEN)).toBe(61_100);
      host.nowUs += SECOND_US;
      await spend([meterOf(RATE, 'c')]);
      expect([host.pttl(EVEN), host.pttl(ODD)]).toEqual([60_100, 120_100]);
    });

    it('the present one takes over what is written, and what is only read stays in the last', async () => {
      const [a, b, idle] = ['a', 'b', 'c'].map((subject) => meterOf(RATE, subject)) as [Meter, Meter, Meter];
      const window = meterOf(WINDOW, 'a');
      host.nowUs += 50 * SECOND_US;
      for (const meter of [a, b, idle, window]) await spend([meter], 8);
      host.nowUs += 12 * SECOND_US;
      expect([await left(a), await left(b), await left(window)]).toEqual([4, 4, 2]);
      expect(fieldsOf(ODD)).toEqual([]);

      expect((await spend([a, window])).outcomes.map(({ remaining }) => remaining)).toEqual([3, 1]);
      expect(fieldsOf(ODD)).toEqual(['g', a.field, window.field].sort());
      expect(fieldsOf(EVEN)).toEqual(['g', b.field, idle.field].sort());
      expect((await spend([a, b], 5)).allowed).toBe(false);
      expect(fieldsOf(EVEN)).toContain(b.field);
      expect((await ask(OPERATION.refund, [b])).outcomes[0]?.remaining).toBe(5);
      expect(fieldsOf(EVEN)).toEqual(['g', idle.field].sort());
    });

    it('a state is found until it means nothing any more, wherever in its generation it was written', async () => {
      const roll = dice(3);
      for (let turn = 0; turn < 300; turn += 1) {
        host.keys.clear();
        host.nowUs = START_US + roll(DAY_US);
        const meters = [meterOf(RATE, 'a'), meterOf(WINDOW, 'a')];
        await spend(meters, 10);
        host.nowUs += 59_999_999;
        expect((await spend(meters, 10)).outcomes.map(({ waitUs }) => waitUs)).toEqual([1, 1]);
        host.nowUs += 1;
        expect((await spend(meters, 10)).allowed).toBe(true);
      }
    });

    it('a third one is cleared away, even where nobody came between', async () => {
      await spend([meterOf(RATE, 'a')]);
      host.nowUs += 2 * MINUTE_US;
      expect(host.pttl(EVEN)).toBe(100);
      await spend([meterOf(RATE, 'b')]);
      expect(fieldsOf(EVEN)).toEqual(['g', meterOf(RATE, 'b').field].sort());
      expect(host.pttl(EVEN)).toBe(120_100);
      expect(noticed.broken).toBe(0);
    });
  });

  it('gives every hash its end in the call that creates it, and writes nothing for a denial or a peek', async () => {
    const roll = dice(7);
    const meters = Array.from({ length: 12 }, (_, at) => meterOf(at % 2 ? RATE : WINDOW, String(at)));
    for (let step = 0; step < 500; step += 1) {
      host.nowUs += roll(20 * SECOND_US);
      const answer = await spend([meters[roll(12)] as Meter, meters[roll(12)] as Meter], 1 + roll(9));
      expect(host.called.includes('HSET')).toBe(answer.allowed);
      for (const key of host.keys.keys()) {
        expect(host.pttl(key)).toBeLessThanOrEqual(120_100);
        expect(host.pttl(key)).not.toBe(-1);
      }
    }
    host.keys.clear();
    await ask(OPERATION.peek, meters, 3);
    expect([...host.keys.keys()]).toEqual([]);
  });

  describe('with a clock that jumps, lets nobody wait longer than ever', () => {
    const jumps = [1, 1000, SECOND_US, 20 * SECOND_US, 5 * MINUTE_US, DAY_US, 400 * DAY_US];

    it.each(jumps.flatMap((us) => [us, -us]))('by %i us', async (jumpUs) => {
      const roll = dice(5);
      for (let turn = 0; turn < 60; turn += 1) {
        host.keys.clear();
        host.nowUs = START_US + roll(DAY_US);
        const [rate, window] = [meterOf(RATE, 'a'), meterOf(WINDOW, 'a')];
        for (let unit = 0; unit < 10; unit += 1) {
          await spend([rate, window]);
          host.nowUs += roll(3 * SECOND_US);
        }
        host.nowUs += jumpUs;
        const asked = turn % 2 === 0 ? OPERATION.peek : OPERATION.spend;
        const { allowed, outcomes } = await ask(asked, [rate, window], 10);
        const waits = outcomes.map(({ waitUs }) => waitUs);
        // As long as the rate takes to fill, and as two windows.
        expect(Math.max(...waits)).toBeLessThanOrEqual(MINUTE_US);
        host.nowUs += Math.max(...waits);
        const passed = allowed && asked === OPERATION.spend;
        expect(passed || (await spend([rate, window], 10)).allowed).toBe(true);
        // And back to where the clock was before.
        host.nowUs -= jumpUs;
        const back = (await spend([rate, window], 1)).outcomes.map(({ waitUs }) => waitUs);
        expect(Math.max(...back)).toBeLessThanOrEqual(MINUTE_US);
        for (const key of host.keys.keys()) expect(host.pttl(key)).not.toBe(-1);
      }
    });

    it('and so does a limit that was lowered', async () => {
      for (const operation of [OPERATION.peek, OPERATION.spend]) {
        const meter = meterOf(RATE, String(operation));
        await spend([meter], 10);
        meter.limit = { ...RATE, quota: 2, burst: 2, capacity: 2 * RATE.periodUs };
        const waitUs = (await ask(operation, [meter])).outcomes[0]?.waitUs ?? NaN;
        expect(waitUs).toBe(RATE.periodUs);
        host.nowUs += waitUs;
        expect((await spend([meter])).allowed).toBe(true);
      }
    });

    it('and a clock that is set back by moments forgets nothing', async () => {
      const meters = [meterOf(RATE, 'a'), meterOf(WINDOW, 'a')];
      host.nowUs += 30 * SECOND_US;
      await spend(meters, 10);
      host.nowUs -= 20 * SECOND_US;
      expect((await spend(meters)).outcomes.map(({ remaining }) => remaining)).toEqual([0, 0]);
      expect(noticed.broken).toBe(0);
    });
  });
});
