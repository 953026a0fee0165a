import { expect, it } from 'vitest';
import { facts, refused, sorted } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Hashes', (engine) => {
  facts(engine, {
    'HSET counts new fields': [
      ['HSET h a 1 b 2', 2],
      ['HSET h a 2 c 3', 1],
      ['HLEN h', 3],
      ['HSET h a', refused("ERR wrong number of arguments for 'hset' command")],
    ],
    'HGET, HMGET and HGETALL': [
      ['HSET h a 1 b 2', 2],
      ['HGET h a', '1'],
      ['HGET h missing', null],
      ['HMGET h a missing', ['1', null]],
      ['HGETALL h', { a: '1', b: '2' }],
      ['HGETALL missing', {}],
    ],
    'HSETNX writes only a missing field': [
      ['HSETNX h a 1', 1],
      ['HSETNX h a 2', 0],
      ['HGET h a', '1'],
    ],
    'HDEL counts, and the last field takes the key with it': [
      ['HSET h a 1 b 2', 2],
      ['HDEL h a missing', 1],
      ['HDEL h b', 1],
      ['EXISTS h', 0],
    ],
    'HEXISTS, HKEYS, HVALS and HSTRLEN': [
      ['HSET h a 1 b 22', 2],
      ['HEXISTS h a', 1],
      ['HEXISTS h z', 0],
      ['HKEYS h', sorted('a', 'b')],
      ['HVALS h', sorted('1', '22')],
      ['HSTRLEN h b', 2],
    ],
    'HINCRBY adds integers': [
      ['HINCRBY h n 5', 5],
      ['HINCRBY h n -7', -2],
      ['HSET h t abc', 1],
      ['HINCRBY h t 1', refused('ERR hash value is not an integer')],
      ['HINCRBY h n x', refused('ERR value is not an integer or out of range')],
      ['HSET h m 9223372036854775807', 1],
      ['HINCRBY h m 1', refused('ERR increment or decrement would overflow')],
    ],
    'HINCRBYFLOAT adds decimals': [
      ['HINCRBYFLOAT h f 10.5', '10.5'],
      ['HINCRBYFLOAT h f -0.5', '10'],
    ],
    HRANDFIELD: [
      ['HSET h a 1', 1],
      ['HRANDFIELD h', 'a'],
      ['HRANDFIELD h 5', ['a']],
      ['HRANDFIELD missing', null],
    ],
    'HSCAN answers a small hash in one page': [
      ['HSET h a 1', 1],
      ['HSCAN h 0', ['0', ['a', '1']]],
      ['HSCAN h 0 MATCH z*', ['0', []]],
      ['HSCAN missing 0', ['0', []]],
    ],
    'hash commands refuse another type': [
      ['SET a 1', 'OK'],
      ['HSET a f 1', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['HGETALL a', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['HINCRBY a f 1', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ],
    'hash commands refuse a wrong number of arguments': [
      [['CALL', 'HSET', 'h'], refused("ERR wrong number of arguments for 'hset' command")],
      [['CALL', 'HGET', 'h'], refused("ERR wrong number of arguments for 'hget' command")],
      [['CALL', 'HDEL', 'h'], refused("ERR wrong number of arguments for 'hdel' command")],
    ],
  });

  it('binary fields and values come back byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 254, 13, 10]);
    await engine.redis.hset('h', bytes, bytes);
    expect(await engine.redis.hgetBuffer('h', bytes)).toEqual(bytes);
  });

  it('HSET takes an object and HGETALL answers one', async () => {
    expect(await engine.redis.hset('h', { name: 'x', count: 2 })).toBe(2);
    expect(await engine.redis.hgetall('h')).toEqual({ name: 'x', count: '2' });
  });

  it('HSCAN answers every field', async () => {
    const fields = Array.from({ length: 300 }, (_, at) => `f${at}`).sort();
    await engine.redis.hset('h', Object.fromEntries(fields.map((field) => [field, '1'])));
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await engine.redis.hscan('h', cursor, 'COUNT', 20);
      for (let at = 0; at < page.length; at += 2) seen.add(page[at] ?? '');
      cursor = next;
    } while (cursor !== '0');
    expect([...seen].sort()).toEqual(fields);
  });
});
