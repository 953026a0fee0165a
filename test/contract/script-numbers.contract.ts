import { expect, it } from 'vitest';
import { between, facts } from './support/commands.js';
import { withEngine } from './support/engine.js';

const MICROSECONDS = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('SET', KEYS[1], now)
redis.call('SET', KEYS[2], string.format('%.0f', now))
return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}
`;

withEngine('Scripts: numbers and time', (engine) => {
  facts(engine, {
    'integers are exact up to 2^53': [
      [['EVAL', 'return 9007199254740992', '0'], 9007199254740992],
      [
        ['EVAL', "return redis.call('INCRBY', KEYS[1], ARGV[1])", '1', 'n', '9007199254740991'],
        9007199254740992,
      ],
      [
        ['EVAL', "redis.call('SET', KEYS[1], 9007199254740992) return redis.call('GET', KEYS[1])", '1', 'n'],
        '9007199254740992',
      ],
      [
        ['EVAL', "redis.call('SET', KEYS[1], -1795219493123456) return redis.call('GET', KEYS[1])", '1', 'n'],
        '-1795219493123456',
      ],
      [['EVAL', 'return 7 % 3 + math.floor(7 / 2)', '0'], 4],
    ],
    'microsecond times are stored without loss': [
      [
        [
          'EVAL',
          "local us = tonumber(ARGV[1]) + 1 redis.call('SET', KEYS[1], us) return redis.call('GET', KEYS[1])",
          '1',
          't',
          '1795219493123456',
        ],
        '1795219493123457',
      ],
      [
        [
          'EVAL',
          "local us = tonumber(ARGV[1]) + 1 redis.call('SET', KEYS[1], string.format('%.0f', us)) return redis.call('GET', KEYS[1])",
          '1',
          't',
          '1795219493123456',
        ],
        '1795219493123457',
      ],
      [
        [
          'EVAL',
          "redis.call('HSET', KEYS[1], 'at', tonumber(ARGV[1])) return redis.call('HGET', KEYS[1], 'at')",
          '1',
          'h',
          '1795219493123456',
        ],
        '1795219493123456',
      ],
      [
        [
          'EVAL',
          "redis.call('ZADD', KEYS[1], tonumber(ARGV[1]), 'm') return redis.call('ZSCORE', KEYS[1], 'm')",
          '1',
          'z',
          '1795219493123456',
        ],
        '1795219493123456',
      ],
      [
        ['EVAL', "return string.format('%.0f', tonumber(ARGV[1]) * 1000000 + 123456)", '0', '1795219493'],
        '1795219493123456',
      ],
    ],
    'decimals are passed with 17 digits and shown with 14': [
      [
        ['EVAL', "redis.call('SET', KEYS[1], 0.1) return redis.call('GET', KEYS[1])", '1', 'd'],
        '0.10000000000000001',
      ],
      [['EVAL', 'return tostring(0.1)', '0'], '0.1'],
      [['EVAL', 'return tostring(1795219493123456)', '0'], '1.7952194931235e+15'],
      [['EVAL', "return string.format('%.3f', 2 / 3)", '0'], '0.667'],
    ],
    'TIME inside a script is seconds and microseconds': [
      [
        [
          'EVAL',
          "local t = redis.call('TIME') return {type(t[1]), #t, tonumber(t[1]) > 1700000000, tonumber(t[2]) < 1000000}",
          '0',
        ],
        ['string', 2, 1, 1],
      ],
    ],
    'PEXPIRE takes a computed number': [
      [['EVAL', "redis.call('SET', KEYS[1], 'v') return redis.call('PEXPIRE', KEYS[1], 1e5)", '1', 'a'], 1],
      ['PTTL a', between(90_000, 100_000)],
      [
        [
          'EVAL',
          "redis.call('SET', KEYS[1], 'v', 'PX', math.ceil(99999.5)) return redis.call('PTTL', KEYS[1]) > 90000",
          '1',
          'a',
        ],
        1,
      ],
    ],
  });

  it('the clock of a script in microseconds is stored without loss and agrees with ours', async () => {
    const reply = await engine.redis.eval(MICROSECONDS, 2, 'a', 'b');
    const [plain, formatted] = reply as [string, string];
    expect(plain).toBe(formatted);
    expect(plain).toMatch(/^\d{16}$/);
    expect(Math.abs(Number(plain) / 1000 - Date.now())).toBeLessThan(2000);
  });

  it('TIME never runs backwards and is finer than a millisecond', async () => {
    const source = 'local t = redis.call("TIME") return string.format("%.0f", t[1] * 1000000 + t[2])';
    const times: number[] = [];
    for (let at = 0; at < 200; at += 1) times.push(Number(await engine.redis.eval(source, 0)));
    expect([...times].sort((left, right) => left - right)).toEqual(times);
    expect(times.some((time) => time % 1000 !== 0)).toBe(true);
  });
});
