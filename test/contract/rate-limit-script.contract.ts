import { readFileSync } from 'node:fs';
import { LuaWasmEngine } from 'lua-redis-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KeyedLimit, spend } from '../../src/rate-limit/gcra.js';
import { decodeSpending } from '../../src/rate-limit/redis-backend.js';
import { dice, randomLimits, runVectors } from './rate-limit.rig.js';

const script = readFileSync(new URL('../../src/rate-limit/scripts/gcra.lua', import.meta.url), 'utf8');

describe('gcra.lua alone, its clock and its keys in our hands', () => {
  const keys = new Map<string, { value: string; ttlMs: number }>();
  let nowUs = 0;
  let lua: LuaWasmEngine;

  const call = ([name, key, value, , ttl]: Buffer[]) => {
    if (String(name) === 'TIME')
      return [Math.floor(nowUs / 1e6), nowUs % 1e6].map((n) => Buffer.from(String(n)));
    if (String(name) === 'GET') return Buffer.from(keys.get(String(key))?.value ?? '');
    keys.set(String(key), { value: String(value), ttlMs: Number(ttl) });
    return { ok: Buffer.from('OK') };
  };
  const run = (limits: readonly KeyedLimit[]) => {
    const args = limits.flatMap(({ intervalUs, burst, cost }) => [intervalUs, burst, cost]);
    const [keyArgs, numberArgs] = [limits.map(({ key }) => key), args.map(String)];
    return decodeSpending(lua.evalWithArgs(script, keyArgs.map(Buffer.from), numberArgs.map(Buffer.from)));
  };

  beforeAll(async () => {
    lua = await LuaWasmEngine.create({ host: { redisCall: call, redisPcall: call, log: () => {} } });
  });

  runVectors(() => {
    keys.clear();
    nowUs = 1_790_000_000_123_456;
    return {
      exact: true,
      spend: (limits) => Promise.resolve(run(limits)),
      advance: (seconds) => void (nowUs += seconds * 1e6),
    };
  });

  it.each([1, 2, 3, 4, 5])('decides, answers and stores what its twin does (random history %i)', (seed) => {
    keys.clear();
    const roll = dice(seed);
    const twin = new Map<string, number>();
    nowUs = 1_790_000_000_000_000;
    for (let step = 0; step < 400; step += 1) {
      // Sometimes the clock is set back.
      nowUs += [0, roll(1000), roll(100_000), roll(90) * 1e9, -roll(1e9)][roll(5)] ?? 0;
      const limits = randomLimits(roll);
      const expected = spend(nowUs, limits, (key) => twin.get(key));
      if (expected.allowed) limits.forEach(({ key }, at) => twin.set(key, expected.tatsUs[at] ?? NaN));
      expect(run(limits)).toEqual({ allowed: expected.allowed, outcomes: expected.outcomes });
      expect([...keys].map(([key, { value }]) => [key, value])).toEqual(
        [...twin].map(([key, tat]) => [key, String(tat)]),
      );
    }
  });

  it('stores a state for as long as it says something, and a tenth of a second', () => {
    keys.clear();
    nowUs = 1_790_000_000_000_000;
    run([{ key: 'k', intervalUs: 1_500_500, burst: 4, cost: 2 }]);
    expect(keys.get('k')).toEqual({ value: '1790000003001000', ttlMs: 3101 });
    run([{ key: 'short', intervalUs: 1, burst: 4, cost: 1 }]);
    expect(keys.get('short')?.ttlMs).toBe(101);
  });

  it('takes a key that holds something else than a number for unknown', () => {
    keys.set('k', { value: 'spoilt', ttlMs: 1 });
    expect(run([{ key: 'k', intervalUs: 1000, burst: 3, cost: 1 }])).toMatchObject({ allowed: true });
  });
});
