import { expect, it } from 'vitest';
import { between, facts, pause, refused, replies, send, sorted } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Keys and scans', (engine) => {
  facts(engine, {
    'EXISTS counts every mention': [
      ['MSET a 1 b 2', 'OK'],
      ['EXISTS a b a missing', 3],
    ],
    'DEL and UNLINK answer how many they removed': [
      ['MSET a 1 b 2 c 3', 'OK'],
      ['DEL a missing', 1],
      ['UNLINK b c missing', 2],
      ['DBSIZE', 0],
    ],
    'TYPE names every type': [
      ['SET s 1', 'OK'],
      ['LPUSH l 1', 1],
      ['SADD t 1', 1],
      ['ZADD z 1 a', 1],
      ['HSET h f 1', 1],
      ['XADD x 1-1 f 1', '1-1'],
      ['TYPE s', 'string'],
      ['TYPE l', 'list'],
      ['TYPE t', 'set'],
      ['TYPE z', 'zset'],
      ['TYPE h', 'hash'],
      ['TYPE x', 'stream'],
      ['TYPE missing', 'none'],
    ],
    'TTL and PTTL are -2 without a key and -1 without a time to live': [
      ['SET a 1', 'OK'],
      ['TTL missing', -2],
      ['PTTL missing', -2],
      ['TTL a', -1],
      ['PTTL a', -1],
      ['EXPIRETIME a', -1],
      ['PEXPIRETIME missing', -2],
    ],
    'EXPIRE and PEXPIRE set a time to live': [
      ['SET a 1', 'OK'],
      ['EXPIRE a 100', 1],
      ['TTL a', between(90, 100)],
      ['PEXPIRE a 50000', 1],
      ['PTTL a', between(40_000, 50_000)],
      ['EXPIRE missing 100', 0],
    ],
    'EXPIRE of zero or less removes the key': [
      ['SET a 1', 'OK'],
      ['EXPIRE a 0', 1],
      ['EXISTS a', 0],
      ['SET a 1', 'OK'],
      ['PEXPIRE a -1', 1],
      ['EXISTS a', 0],
    ],
    'PEXPIRE NX sets only a first time to live': [
      ['SET a 1', 'OK'],
      ['PEXPIRE a 50000 NX', 1],
      ['PEXPIRE a 90000 NX', 0],
      ['PTTL a', between(40_000, 50_000)],
    ],
    'PEXPIRE XX changes only an existing one': [
      ['SET a 1', 'OK'],
      ['PEXPIRE a 50000 XX', 0],
      ['PTTL a', -1],
      ['PEXPIRE a 50000', 1],
      ['PEXPIRE a 90000 XX', 1],
      ['PTTL a', between(80_000, 90_000)],
    ],
    'PEXPIRE GT only prolongs, and no time to live counts as for ever': [
      ['SET a 1', 'OK'],
      ['PEXPIRE a 50000 GT', 0],
      ['PEXPIRE a 50000', 1],
      ['PEXPIRE a 40000 GT', 0],
      ['PEXPIRE a 90000 GT', 1],
      ['PTTL a', between(80_000, 90_000)],
    ],
    'PEXPIRE LT only shortens': [
      ['SET a 1', 'OK'],
      ['PEXPIRE a 50000 LT', 1],
      ['PEXPIRE a 90000 LT', 0],
      ['PEXPIRE a 20000 LT', 1],
      ['PTTL a', between(10_000, 20_000)],
    ],
    'EXPIRE refuses contradicting conditions and what is not a number': [
      ['SET a 1', 'OK'],
      ['EXPIRE a 10 NX XX', refused('ERR NX and XX, GT or LT options at the same time are not compatible')],
      ['EXPIRE a 10 GT LT', refused('ERR GT and LT options at the same time are not compatible')],
      ['EXPIRE a abc', refused('ERR value is not an integer or out of range')],
      ['EXPIRE a 10 ZZ', refused('ERR Unsupported option ZZ')],
    ],
    'EXPIREAT and PEXPIREAT take a point in time': [
      ['SET a 1', 'OK'],
      ['EXPIREAT a 99999999999', 1],
      ['PEXPIRETIME a', 99999999999000],
      ['PEXPIREAT a 99999999999999', 1],
      ['PEXPIRETIME a', 99999999999999],
      ['PEXPIREAT a 1', 1],
      ['EXISTS a', 0],
    ],
    'PERSIST removes the time to live': [
      ['SET a 1 PX 100000', 'OK'],
      ['PERSIST a', 1],
      ['PERSIST a', 0],
      ['PTTL a', -1],
    ],
    'RENAME moves the value and its time to live': [
      ['SET a 1 PX 100000', 'OK'],
      ['RENAME a b', 'OK'],
      ['EXISTS a', 0],
      ['PTTL b', between(90_000, 100_000)],
      ['RENAME missing b', refused('ERR no such key')],
    ],
    'RENAMENX does not overwrite': [
      ['MSET a 1 b 2', 'OK'],
      ['RENAMENX a b', 0],
      ['RENAMENX a c', 1],
      ['GET c', '1'],
    ],
    'COPY leaves the source': [
      ['SET a 1', 'OK'],
      ['COPY a b', 1],
      ['COPY a b', 0],
      ['COPY a b REPLACE', 1],
      ['GET b', '1'],
    ],
    'TOUCH counts existing keys': [
      ['SET a 1', 'OK'],
      ['TOUCH a missing', 1],
    ],
    'a write to a hash or a list keeps the time to live of its key': [
      ['HSET h f 1', 1],
      ['PEXPIRE h 100000', 1],
      ['HSET h g 2', 1],
      ['PTTL h', between(90_000, 100_000)],
    ],
    'a container that becomes empty is removed': [
      ['SADD s a', 1],
      ['SREM s a', 1],
      ['EXISTS s', 0],
      ['LPUSH l a', 1],
      ['LPOP l', 'a'],
      ['EXISTS l', 0],
    ],
    'RANDOMKEY of an empty database is null': [['RANDOMKEY', null]],
    'KEYS with a pattern': [
      ['MSET user:1 a user:2 b other:1 c', 'OK'],
      ['KEYS user:*', sorted('user:1', 'user:2')],
      ['KEYS user:?', sorted('user:1', 'user:2')],
      ['KEYS user:[1]', ['user:1']],
      ['KEYS *:1', sorted('other:1', 'user:1')],
      ['KEYS nothing*', []],
    ],
    'SCAN refuses a wrong cursor, count or option': [
      ['SCAN x', refused('ERR invalid cursor')],
      ['SCAN 0 COUNT 0', refused('ERR syntax error')],
      ['SCAN 0 COUNT x', refused('ERR value is not an integer or out of range')],
      ['SCAN 0 NOPE x', refused('ERR syntax error')],
    ],
    'SCAN of an empty database ends at once': [['SCAN 0', ['0', []]]],
    'FLUSHDB empties the selected database only': [
      ['SET a 1', 'OK'],
      ['SELECT 1', 'OK'],
      ['SET b 1', 'OK'],
      ['FLUSHDB', 'OK'],
      ['DBSIZE', 0],
      ['SELECT 0', 'OK'],
      ['DBSIZE', 1],
    ],
  });

  const fill = async (count: number, prefix = 'key'): Promise<string[]> => {
    const keys = Array.from({ length: count }, (_, at) => `${prefix}:${at}`);
    await engine.redis.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    return keys.sort();
  };

  const scanAll = async (
    onPage: (keys: string[]) => Promise<unknown>,
    ...words: string[]
  ): Promise<string[]> => {
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, keys] = (await send(engine.redis, ['SCAN', cursor, ...words])) as [string, string[]];
      for (const key of keys) seen.add(key);
      await onPage(keys);
      cursor = next;
    } while (cursor !== '0');
    return [...seen].sort();
  };

  const nothing = async (): Promise<void> => {};

  it('SCAN answers every key', async () => {
    const keys = await fill(250);
    expect(await scanAll(nothing, 'COUNT', '20')).toEqual(keys);
  });

  it('SCAN answers every key with its default COUNT', async () => {
    const keys = await fill(57);
    expect(await scanAll(nothing)).toEqual(keys);
  });

  it('SCAN MATCH answers every key of the pattern and no other', async () => {
    const keys = await fill(60, 'rl:user');
    await fill(60, 'auth:user');
    expect(await scanAll(nothing, 'MATCH', 'rl:*', 'COUNT', '7')).toEqual(keys);
  });

  it('SCAN TYPE answers keys of that type only', async () => {
    await fill(20);
    await replies(engine.redis, 'SADD the-set a', 'HSET the-hash f v');
    expect(await scanAll(nothing, 'TYPE', 'hash')).toEqual(['the-hash']);
  });

  it('SCAN loses no key when each page is deleted before the next', async () => {
    const keys = await fill(100);
    const seen = await scanAll(
      (page) => (page.length > 0 ? engine.redis.del(...page) : nothing()),
      'COUNT',
      '10',
    );
    expect(seen).toEqual(keys);
    expect(await engine.redis.dbsize()).toBe(0);
  });

  it('SCAN answers the keys that were there all the time, whatever is added', async () => {
    const keys = await fill(80);
    let round = 0;
    const seen = await scanAll(() => engine.redis.set(`late:${(round += 1)}`, '1'), 'COUNT', '10');
    expect(seen).toEqual(expect.arrayContaining(keys));
  });

  it('scanStream of the client answers every key', async () => {
    const keys = await fill(120, 'stream');
    const seen = new Set<string>();
    for await (const page of engine.redis.scanStream({ match: 'stream:*', count: 25 })) {
      for (const key of page as string[]) seen.add(key);
    }
    expect([...seen].sort()).toEqual(keys);
  });

  it('a pattern may match special characters', async () => {
    await replies(engine.redis, ['SET', 'a*b', '1'], ['SET', 'axb', '1'], ['SET', 'a[b', '1']);
    expect(await engine.redis.keys('a\\*b')).toEqual(['a*b']);
    expect((await engine.redis.keys('a[^x]b')).sort()).toEqual(['a*b', 'a[b']);
  });

  it('PEXPIRE removes the key in time', async () => {
    expect(await replies(engine.redis, 'SET a 1', 'PEXPIRE a 30')).toEqual(['OK', 1]);
    await pause(60);
    expect(await engine.redis.exists('a')).toBe(0);
  });
});
