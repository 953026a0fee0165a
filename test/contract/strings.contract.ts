import { expect, it } from 'vitest';
import { between, facts, pause, refused, replies } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Strings', (engine) => {
  facts(engine, {
    'SET and GET': [
      ['SET a 1', 'OK'],
      ['GET a', '1'],
      ['GET missing', null],
    ],
    'SET NX writes only a missing key': [
      ['SET a 1 NX', 'OK'],
      ['SET a 2 NX', null],
      ['GET a', '1'],
    ],
    'SET XX writes only an existing key': [
      ['SET a 1 XX', null],
      ['SET a 1', 'OK'],
      ['SET a 2 XX', 'OK'],
      ['GET a', '2'],
    ],
    'SET GET answers the old value and writes the new one': [
      ['SET a 1 GET', null],
      ['SET a 2 GET', '1'],
      ['GET a', '2'],
    ],
    'SET NX GET answers the old value and does not write': [
      ['SET a 1', 'OK'],
      ['SET a 2 NX GET', '1'],
      ['GET a', '1'],
      ['SET b 2 NX GET', null],
      ['GET b', '2'],
    ],
    'SET PX sets the time to live in milliseconds': [
      ['SET a 1 PX 100000', 'OK'],
      ['PTTL a', between(90_000, 100_000)],
      ['TTL a', between(90, 100)],
    ],
    'SET EX sets it in seconds': [
      ['SET a 1 EX 100', 'OK'],
      ['PTTL a', between(90_000, 100_000)],
    ],
    'SET without an option removes the time to live': [
      ['SET a 1 PX 100000', 'OK'],
      ['SET a 2', 'OK'],
      ['PTTL a', -1],
    ],
    'SET KEEPTTL keeps the time to live': [
      ['SET a 1 PX 100000', 'OK'],
      ['SET a 2 KEEPTTL', 'OK'],
      ['PTTL a', between(90_000, 100_000)],
      ['GET a', '2'],
    ],
    'SET KEEPTTL GET keeps it and answers the old value': [
      ['SET a 1 PX 100000', 'OK'],
      ['SET a 2 KEEPTTL GET', '1'],
      ['PTTL a', between(90_000, 100_000)],
    ],
    'SET EXAT and PXAT take a point in time': [
      ['SET a 1 EXAT 99999999999', 'OK'],
      ['EXPIRETIME a', 99999999999],
      ['SET a 1 PXAT 99999999999999', 'OK'],
      ['PEXPIRETIME a', 99999999999999],
    ],
    'SET PXAT in the past removes the key': [
      ['SET a 1', 'OK'],
      ['SET a 1 PXAT 1', 'OK'],
      ['EXISTS a', 0],
    ],
    'SET refuses a time to live of zero or less': [
      ['SET a 1 PX 0', refused("ERR invalid expire time in 'set' command")],
      ['SET a 1 EX -1', refused("ERR invalid expire time in 'set' command")],
      ['EXISTS a', 0],
    ],
    'SET refuses contradicting options': [
      ['SET a 1 NX XX', refused('ERR syntax error')],
      ['SET a 1 EX 10 PX 10', refused('ERR syntax error')],
      ['SET a 1 EX 10 KEEPTTL', refused('ERR syntax error')],
      ['SET a 1 SOMETHING', refused('ERR syntax error')],
      ['SET a 1 PX abc', refused('ERR value is not an integer or out of range')],
    ],
    'SETNX, SETEX and PSETEX': [
      ['SETNX a 1', 1],
      ['SETNX a 2', 0],
      ['SETEX b 100 v', 'OK'],
      ['TTL b', between(90, 100)],
      ['PSETEX c 100000 v', 'OK'],
      ['PTTL c', between(90_000, 100_000)],
      ['SETEX b 0 v', refused("ERR invalid expire time in 'setex' command")],
    ],
    'GETSET answers the old value': [
      ['GETSET a 1', null],
      ['GETSET a 2', '1'],
    ],
    'GETDEL answers the value and removes the key': [
      ['SET a 1', 'OK'],
      ['GETDEL a', '1'],
      ['GETDEL a', null],
      ['EXISTS a', 0],
    ],
    'GETEX changes the time to live while reading': [
      ['SET a 1', 'OK'],
      ['GETEX a PX 100000', '1'],
      ['PTTL a', between(90_000, 100_000)],
      ['GETEX a PERSIST', '1'],
      ['PTTL a', -1],
      ['GETEX missing PX 100', null],
      ['GETEX a PX 0', refused("ERR invalid expire time in 'getex' command")],
      ['GETEX a EX 1 PX 1', refused('ERR syntax error')],
    ],
    'INCR and its family start from zero': [
      ['INCR a', 1],
      ['INCRBY a 10', 11],
      ['DECR a', 10],
      ['DECRBY a 5', 5],
      ['GET a', '5'],
    ],
    'INCR keeps the time to live': [
      ['SET a 1 PX 100000', 'OK'],
      ['INCR a', 2],
      ['PTTL a', between(90_000, 100_000)],
    ],
    'INCR refuses what is not an integer': [
      ['SET a abc', 'OK'],
      ['INCR a', refused('ERR value is not an integer or out of range')],
      ['SET a 1.5', 'OK'],
      ['INCR a', refused('ERR value is not an integer or out of range')],
      ['INCRBY b x', refused('ERR value is not an integer or out of range')],
    ],
    'INCR refuses to overflow 64 bits': [
      ['SET a 9223372036854775807', 'OK'],
      ['INCR a', refused('ERR increment or decrement would overflow')],
      ['GET a', '9223372036854775807'],
      ['SET a -9223372036854775808', 'OK'],
      ['DECR a', refused('ERR increment or decrement would overflow')],
    ],
    'integers beyond 2^53 keep every digit as text': [
      ['SET a 9007199254740993', 'OK'],
      ['GET a', '9007199254740993'],
      ['INCRBY a 0', 9007199254740992],
      ['GET a', '9007199254740993'],
    ],
    'INCRBYFLOAT adds decimals': [
      ['SET a 10.5', 'OK'],
      ['INCRBYFLOAT a 0.25', '10.75'],
      ['INCRBYFLOAT a -5', '5.75'],
      ['INCRBYFLOAT a 5.0e3', '5005.75'],
      ['INCRBYFLOAT a x', refused('ERR value is not a valid float')],
    ],
    'APPEND, STRLEN, GETRANGE and SETRANGE': [
      ['APPEND a abc', 3],
      ['APPEND a def', 6],
      ['STRLEN a', 6],
      ['GETRANGE a 1 3', 'bcd'],
      ['GETRANGE a -3 -1', 'def'],
      ['SETRANGE a 1 XX', 6],
      ['GET a', 'aXXdef'],
      ['STRLEN missing', 0],
    ],
    'MSET and MGET take several keys': [
      ['MSET a 1 b 2', 'OK'],
      ['MGET a missing b', ['1', null, '2']],
      ['MSETNX b 3 c 4', 0],
      ['GET c', null],
      ['MSET a 1 b', refused("ERR wrong number of arguments for 'mset' command")],
    ],
    'MGET answers null for a key of another type': [
      ['LPUSH l x', 1],
      ['SET a 1', 'OK'],
      ['MGET a l', ['1', null]],
    ],
    'SETBIT, GETBIT and BITCOUNT': [
      ['SETBIT a 7 1', 0],
      ['SETBIT a 7 1', 1],
      ['GETBIT a 7', 1],
      ['BITCOUNT a', 1],
    ],
    'an empty value is a value': [
      [['SET', 'a', ''], 'OK'],
      ['GET a', ''],
      ['STRLEN a', 0],
      ['EXISTS a', 1],
    ],
    'unicode keys and values': [
      [['SET', 'schlüssel:ключ:鍵:🔑', 'wert:значение:値:🎉'], 'OK'],
      ['GET schlüssel:ключ:鍵:🔑', 'wert:значение:値:🎉'],
      ['STRLEN schlüssel:ключ:鍵:🔑', 30],
    ],
    'string commands refuse another type': [
      ['LPUSH l x', 1],
      ['GET l', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['INCR l', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['APPEND l x', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['GETDEL l', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['SET l s', 'OK'],
      ['GET l', 's'],
    ],
    'string commands refuse a wrong number of arguments': [
      [['CALL', 'GET'], refused("ERR wrong number of arguments for 'get' command")],
      [['CALL', 'SET', 'a'], refused("ERR wrong number of arguments for 'set' command")],
      [['CALL', 'GET', 'a', 'b'], refused("ERR wrong number of arguments for 'get' command")],
      [['CALL', 'INCR'], refused("ERR wrong number of arguments for 'incr' command")],
      [['CALL', 'MGET'], refused("ERR wrong number of arguments for 'mget' command")],
    ],
  });

  it('binary values and keys come back byte for byte', async () => {
    const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const key = Buffer.from([0x6b, 0x00, 0xff, 0xfe, 0x0d, 0x0a]);
    await engine.redis.set(key, value);
    expect(await engine.redis.getBuffer(key)).toEqual(value);
    expect(await engine.redis.strlen(key)).toBe(256);
    expect(await engine.redis.keysBuffer('*')).toEqual([key]);
  });

  it('a value of one megabyte comes back whole', async () => {
    const value = Buffer.alloc(1024 * 1024, 'bulkhead\0');
    await engine.redis.set('large', value);
    expect(await engine.redis.strlen('large')).toBe(value.length);
    expect(value.equals((await engine.redis.getBuffer('large')) ?? Buffer.alloc(0))).toBe(true);
  });

  it('a value of four megabytes comes back whole', async () => {
    const value = Buffer.alloc(4 * 1024 * 1024, 7);
    await engine.redis.set('huge', value);
    expect(value.equals((await engine.redis.getBuffer('huge')) ?? Buffer.alloc(0))).toBe(true);
  });

  it('many answers of one megabyte to a slow reader all arrive', async () => {
    await engine.redis.set('large', Buffer.alloc(1024 * 1024, 7));
    const answers = await Promise.all(Array.from({ length: 20 }, () => engine.redis.getBuffer('large')));
    expect(answers.map((answer) => answer?.length)).toEqual(Array.from({ length: 20 }, () => 1024 * 1024));
  });

  it('a key with a time to live is gone when it has passed', async () => {
    expect(await replies(engine.redis, 'SET a 1 PX 30', 'GET a')).toEqual(['OK', '1']);
    await pause(60);
    expect(await replies(engine.redis, 'GET a', 'PTTL a', 'EXISTS a', 'SET a 2 NX')).toEqual([
      null,
      -2,
      0,
      'OK',
    ]);
  });

  it('an expired key is not counted, even when nobody asks for it', async () => {
    await engine.redis.set('a', '1', 'PX', 20);
    await expect.poll(() => engine.redis.dbsize(), { timeout: 5000 }).toBe(0);
  });
});
