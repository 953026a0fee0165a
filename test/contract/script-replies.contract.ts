import { expect, it } from 'vitest';
import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

const SLIDING_WINDOW = `
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - window))
local used = redis.call('ZCARD', KEYS[1])
if used >= limit then
  return {0, used}
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], window)
return {1, used + 1}
`;

withEngine('Scripts: replies', (engine) => {
  facts(engine, {
    'EVAL converts numbers, strings, lists, nil and booleans': [
      [['EVAL', 'return 3.99', '0'], 3],
      [['EVAL', 'return -3.99', '0'], -3],
      [['EVAL', "return 'text'", '0'], 'text'],
      [['EVAL', "return ''", '0'], ''],
      [['EVAL', 'return true', '0'], 1],
      [['EVAL', 'return false', '0'], null],
      [['EVAL', 'return nil', '0'], null],
      [['EVAL', 'return {}', '0'], []],
      [
        ['EVAL', "return {1, 2.9, 'a', {'b', {}}}", '0'],
        [1, 2, 'a', ['b', []]],
      ],
    ],
    'a list ends at its first nil, and false is null': [
      [
        ['EVAL', 'return {1, false, true, nil, 3}', '0'],
        [1, null, 1],
      ],
    ],
    'KEYS and ARGV': [
      [
        ['EVAL', 'return {KEYS[1], KEYS[2], ARGV[1], ARGV[2], #KEYS, #ARGV}', '2', 'k1', 'k2', 'a1', 'a2'],
        ['k1', 'k2', 'a1', 'a2', 2, 2],
      ],
      [
        ['EVAL', 'return {KEYS[1] == nil, ARGV[1] == nil}', '0'],
        [1, 1],
      ],
    ],
    'EVAL refuses a bad number of keys': [
      [['EVAL', 'return 1', 'x'], refused('ERR value is not an integer or out of range')],
      [
        ['EVAL', 'return 1', '2', 'only-one'],
        refused("ERR Number of keys can't be greater than number of args"),
      ],
      [['CALL', 'EVAL', 'return 1'], refused("ERR wrong number of arguments for 'eval' command")],
    ],
    'status_reply and error_reply': [
      [['EVAL', "return redis.status_reply('FINE')", '0'], 'FINE'],
      [['EVAL', "return {ok='FINE'}", '0'], 'FINE'],
      [['EVAL', "return redis.error_reply('MYCODE it failed')", '0'], refused('MYCODE it failed')],
      [['EVAL', "return redis.error_reply('-MYCODE it failed')", '0'], refused('MYCODE it failed')],
      [['EVAL', "return redis.error_reply('boom')", '0'], refused('ERR boom')],
      [['EVAL', "return {err='MYCODE it failed'}", '0'], refused('MYCODE it failed')],
    ],
    'a script reads back what it writes': [
      [['EVAL', "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])", '1', 'a', 'v'], 'v'],
    ],
    'a status reply is a table with ok, a missing value is false': [
      [['EVAL', "return redis.call('SET', KEYS[1], 'v').ok", '1', 'a'], 'OK'],
      [['EVAL', "return type(redis.call('GET', KEYS[1]))", '1', 'missing'], 'boolean'],
      [['EVAL', "return redis.call('GET', KEYS[1]) == false", '1', 'missing'], 1],
      [['EVAL', "return redis.call('HGET', KEYS[1], 'f') == false", '1', 'missing'], 1],
      [['EVAL', "return type(redis.call('INCR', KEYS[1]))", '1', 'n'], 'number'],
    ],
    'replies of hashes and sorted sets are flat lists': [
      [
        ['EVAL', "redis.call('HSET', KEYS[1], 'a', '1') return redis.call('HGETALL', KEYS[1])", '1', 'h'],
        ['a', '1'],
      ],
      [
        [
          'EVAL',
          "redis.call('ZADD', KEYS[1], '1.5', 'a') return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')",
          '1',
          'z',
        ],
        ['a', '1.5'],
      ],
      [['EVAL', "return redis.call('ZSCORE', KEYS[1], 'a')", '1', 'z'], '1.5'],
      [['EVAL', "return type(redis.call('ZSCORE', KEYS[1], 'a'))", '1', 'z'], 'string'],
    ],
    'replies of streams are nested lists': [
      [
        [
          'EVAL',
          "redis.call('XADD', KEYS[1], '1-1', 'f', 'v') return redis.call('XRANGE', KEYS[1], '-', '+')",
          '1',
          'x',
        ],
        [['1-1', ['f', 'v']]],
      ],
      [
        ['EVAL', "return redis.call('XREAD', 'COUNT', 1, 'STREAMS', KEYS[1], '0')", '1', 'x'],
        [['x', [['1-1', ['f', 'v']]]]],
      ],
      [['EVAL', "return redis.call('XADD', KEYS[1], 'MAXLEN', '=', 1, '2-1', 'f', 'w')", '1', 'x'], '2-1'],
      [['EVAL', "return redis.call('XLEN', KEYS[1])", '1', 'x'], 1],
      [['EVAL', "return redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'f', 'w')", '1', 'missing'], null],
    ],
    'cjson encodes and decodes': [
      [['EVAL', "return cjson.encode({1, 'a', true, {x = 1.5}})", '0'], '[1,"a",true,{"x":1.5}]'],
      [['EVAL', 'return cjson.decode(ARGV[1]).a[2]', '0', '{"a":[1,"two"]}'], 'two'],
      [['EVAL', "return tostring(cjson.decode('[null]')[1] == cjson.null)", '0'], 'true'],
      [
        ['EVAL', 'return cjson.encode(cjson.decode(ARGV[1]))', '0', '{"at":1795219493123}'],
        '{"at":1795219493123}',
      ],
    ],
    'cmsgpack, struct and bit are there': [
      [
        ['EVAL', 'return cmsgpack.unpack(cmsgpack.pack({1, 2, 3}))', '0'],
        [1, 2, 3],
      ],
      [['EVAL', "local n = struct.unpack('>I4', struct.pack('>I4', 7)) return n", '0'], 7],
      [
        ['EVAL', 'return {bit.band(12, 10), bit.bor(12, 10), bit.tohex(255)}', '0'],
        [8, 14, '000000ff'],
      ],
    ],
    sha1hex: [[['EVAL', "return redis.sha1hex('')", '0'], 'da39a3ee5e6b4b0d3255bfef95601890afd80709']],
    'the version of the server': [
      [
        ['EVAL', 'return {type(redis.REDIS_VERSION), redis.REDIS_VERSION_NUM >= 0x00070000}', '0'],
        ['string', 1],
      ],
    ],
  });

  it('a sliding window in one script', async () => {
    const take = (now: string): Promise<unknown> =>
      engine.redis.eval(SLIDING_WINDOW, 1, 'w', now, '500', '2');
    expect([await take('1000'), await take('1100'), await take('1200'), await take('1600')]).toEqual([
      [1, 1],
      [1, 2],
      [0, 2],
      [1, 2],
    ]);
  });

  it('binary arguments reach a script byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 254, 13, 10, 128]);
    await engine.redis.eval("redis.call('SET', KEYS[1], ARGV[1]) return #ARGV[1]", 1, 'a', bytes);
    expect(await engine.redis.getBuffer('a')).toEqual(bytes);
    expect(await engine.redis.callBuffer('EVAL', "return redis.call('GET', KEYS[1])", 1, 'a')).toEqual(bytes);
  });

  it('a megabyte passes through a script', async () => {
    const value = 'x'.repeat(1024 * 1024);
    const source = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])";
    expect(await engine.redis.eval(source, 1, 'a', value)).toBe(value);
  });
});
