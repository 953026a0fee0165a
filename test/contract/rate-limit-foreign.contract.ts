import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Meter } from '../../src/rate-limit/counting/meter.js';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import {
  PREFIX,
  VERSION_KEY,
  askRedis,
  counterOf,
  limitOf,
  meterOf,
  scriptClient,
} from './rate-limit.rig.js';
import { withEngine } from './support/engine.js';
import { MARKER, storeOf, textOf } from './support/limit-states.js';

const nowUs = Date.now() * 1000;
const YEAR_US = 365 * 86_400 * 1e6;

/** What may lie under the field of a limit instead of its state. */
const RATE_JUNK: Readonly<Record<string, Buffer>> = {
  'eight characters': Buffer.from('junkjunk'),
  'not a number': textOf([NaN]),
  infinity: textOf([Infinity]),
  'minus infinity': textOf([-Infinity]),
  nought: textOf([0]),
  'less than nought': textOf([-nowUs]),
  'a moment in ten years': textOf([nowUs + 10 * YEAR_US]),
  'a moment ten years ago': textOf([nowUs - 10 * YEAR_US]),
  'half a microsecond': textOf([nowUs + 60_000_000.5]),
  'the state of a window': textOf([nowUs, 7, 7]),
};
const WINDOW_JUNK: Readonly<Record<string, Buffer>> = {
  'twenty-four characters': Buffer.from('junk'.repeat(6)),
  'not a start': textOf([NaN, 1, 1]),
  'not a count': textOf([nowUs, NaN, 1]),
  'not a last count': textOf([nowUs, 1, NaN]),
  'an infinite count': textOf([nowUs, Infinity, 1]),
  'a huge count': textOf([nowUs, 1e300, 1]),
  'the largest whole count': textOf([nowUs, Number.MAX_SAFE_INTEGER, 1]),
  'the largest whole last count': textOf([nowUs, 1, Number.MAX_SAFE_INTEGER]),
  'a count below nought': textOf([nowUs, -5, 1]),
  'a last count below nought': textOf([nowUs, 1, -5]),
  'half a unit': textOf([nowUs, 1.5, 0]),
  'half a microsecond': textOf([nowUs - 5_000_000.5, 9, 0]),
  'a start in ten years': textOf([nowUs + 10 * YEAR_US, 10, 10]),
  'a start ten years ago': textOf([nowUs - 10 * YEAR_US, 10, 10]),
  'the state of a rate': textOf([nowUs + 60_000_000]),
};
const ANY_JUNK: Readonly<Record<string, Buffer>> = {
  'no bytes': Buffer.alloc(0),
  'one byte': Buffer.from('1'),
  'a number as text': Buffer.from('1790000000000000'),
  'nine bytes': Buffer.alloc(9, 0xff),
  'a thousand bytes': Buffer.alloc(1000, 0xff),
};
const FIELDS = Object.entries({ 'rate-ten': RATE_JUNK, 'window-ten': WINDOW_JUNK }).flatMap(([name, junk]) =>
  Object.entries({ ...junk, ...ANY_JUNK }).map(([what, value]) => ({ name, what, value })),
);

/** Every type that Redis has, and hashes of others. */
const KEYS: Readonly<Record<string, (redis: Redis, key: string) => Promise<unknown>>> = {
  'a text': (redis, key) => redis.set(key, 'foreign'),
  'a list': (redis, key) => redis.rpush(key, 'foreign'),
  'a set': (redis, key) => redis.sadd(key, 'foreign'),
  'a sorted set': (redis, key) => redis.zadd(key, 1, 'foreign'),
  'a stream': (redis, key) => redis.xadd(key, '*', 'foreign', '1'),
  'a hash without a number': (redis, key) => redis.hset(key, 'foreign', '1'),
  'a hash of another number': (redis, key) => redis.hset(key, MARKER, '12', 'foreign', '1'),
  'a hash whose number is text': (redis, key) => redis.hset(key, MARKER, 'foreign'),
};

withEngine('What others wrote under the keys of a limiter', (engine) => {
  const noticed = { broken: 0, version: 0 };
  let counter: ReturnType<typeof counterOf>;

  beforeEach(() => {
    noticed.broken = 0;
    counter = counterOf(scriptClient(engine.redis), noticed);
  });

  async function spend(...meters: Meter[]) {
    const [answer] = await askRedis(counter, [{ operation: OPERATION.spend, meters, cost: 1 }]);
    return answer?.outcomes.map(({ remaining }) => remaining);
  }

  async function expectEveryHashToEnd(): Promise<void> {
    for (const key of (await storeOf(engine.redis)).keys())
      expect(await engine.redis.pttl(key)).toBeGreaterThan(0);
  }

  describe('counts as nothing, is noticed once, and makes no error:', () => {
    it.each(FIELDS)('$what under a $name', async ({ name, value }) => {
      const meter = meterOf(limitOf(name), 'a');
      const neighbour = meterOf(limitOf(name), 'b');
      await spend(meter, neighbour);
      const [key = ''] = (await storeOf(engine.redis)).keys();
      await engine.redis.hset(key, meter.field, value);

      expect(await spend(meter, neighbour)).toEqual([9, 8]);
      expect(noticed.broken).toBe(1);
      expect(await spend(meter, neighbour)).toEqual([8, 7]);
      expect(noticed.broken).toBe(1);
      await expectEveryHashToEnd();
    });

    it.each(Object.entries(KEYS))('%s in the place of the hashes', async (_what, write) => {
      const meter = meterOf(limitOf('rate-ten'), 'a');
      const seconds = meter.limit.generationUs / 1e6;
      await spend(meter);
      const [own = ''] = (await storeOf(engine.redis)).keys();
      const other = `${PREFIX}:s:${seconds}:${own.endsWith('0') ? 1 : 0}`;
      for (const key of [own, other]) {
        await engine.redis.del(key);
        await write(engine.redis, key);
      }

      expect(await spend(meter)).toEqual([9]);
      const byType = (await engine.redis.type(other)) === 'hash' ? 1 : 2;
      expect(noticed.broken).toBe(byType);
      expect(await spend(meter)).toEqual([8]);
      expect(noticed.broken).toBe(byType);
      expect(await engine.redis.pttl(own)).toBeGreaterThan(0);
    });

    it.each(['', 'foreign', '1.5', '-1', 'inf', '-inf', 'nan', '1e400', '9007199254740993'])(
      '%j in the place of the version',
      async (text) => {
        await engine.redis.set(VERSION_KEY, text);
        expect(await spend(meterOf(limitOf('rate-ten'), 'a'))).toEqual([9]);
        expect(noticed).toEqual({ broken: 1, version: 0 });
      },
    );

    it('a list in the place of the version', async () => {
      await engine.redis.rpush(VERSION_KEY, '1');
      expect(await spend(meterOf(limitOf('rate-ten'), 'a'))).toEqual([9]);
      expect(noticed).toEqual({ broken: 1, version: 0 });
    });
  });

  it('a version is told with every answer', async () => {
    await engine.redis.set(VERSION_KEY, '4711');
    await spend(meterOf(limitOf('window-ten'), 'a'));
    expect(noticed).toEqual({ broken: 0, version: 4711 });
  });

  it('a hash that lost its number is begun anew, with an end', async () => {
    const meter = meterOf(limitOf('rate-ten'), 'a');
    await spend(meter);
    const [key = ''] = (await storeOf(engine.redis)).keys();
    await engine.redis.hdel(key, MARKER);
    await engine.redis.persist(key);
    expect(await spend(meter)).toEqual([9]);
    expect(noticed.broken).toBe(1);
    await expectEveryHashToEnd();
  });
});
