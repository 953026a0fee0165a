import { describe, expect, it } from 'vitest';
import { type Counted, History, dice } from './rate-limit.histories.js';
import {
  VERSION_KEY,
  askRedis,
  counterOf,
  meterTable,
  runVectors,
  scriptClient,
  twinRig,
} from './rate-limit.rig.js';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import { withEngine } from './support/engine.js';
import { rewind, storeOf } from './support/limit-states.js';

describe('Rate limits in memory', () => {
  runVectors(twinRig);
});

withEngine('Rate limits in Redis', (engine) => {
  const counter = () => counterOf(scriptClient(engine.redis));

  describe('are answered as they are in memory', () => {
    runVectors(() => {
      const own = counter();
      return {
        exact: false,
        ask: (questions) => askRedis(own, questions),
        advance: (seconds) => rewind(engine.redis, seconds),
      };
    });
  });

  it('a reset is news to everybody, and nothing else is', async () => {
    const [one, other] = [meterTable(), meterTable()];
    const noticed = { broken: 0, version: 0 };
    const elsewhere = counterOf(scriptClient(engine.redis), noticed);
    const versions: number[] = [];
    for (const operation of ['spend', 'reset', 'refund', 'charge', 'peek', 'raise', 'reset'] as const) {
      await askRedis(counter(), [{ operation: OPERATION[operation], meters: [one('rate-ten')], cost: 1 }]);
      await askRedis(elsewhere, [{ operation: OPERATION.peek, meters: [other('rate-three')], cost: 1 }]);
      versions.push(noticed.version);
    }
    const [none, first, , , , , second = 0] = versions;
    expect(versions).toEqual([0, first, first, first, first, first, second]);
    expect(none).toBeLessThan(first ?? 0);
    expect(second).toBeGreaterThan(first ?? Infinity);
    expect(await engine.redis.pttl(VERSION_KEY)).toBeGreaterThan(0);
  });

  it.each([11, 12, 13])(
    'agree with the twin in every answer and every state (random history %i)',
    async (seed) => {
      const own = counter();
      const counted: Counted = {
        ask: (questions) => askRedis(own, questions),
        store: () => storeOf(engine.redis),
      };
      const history = new History(counted, dice(seed));
      for (let step = 0; step < 40; step += 1) {
        const { actual, expected } = await history.step();
        expect(actual).toEqual(expected);
      }
      expect(Math.min(history.seen.admitted, history.seen.denied)).toBeGreaterThan(200);
    },
  );
});
