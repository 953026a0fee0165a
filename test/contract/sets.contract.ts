import { expect, it } from 'vitest';
import { facts, refused, sorted } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Sets', (engine) => {
  facts(engine, {
    'SADD counts new members': [
      ['SADD s a b c', 3],
      ['SADD s a d', 1],
      ['SCARD s', 4],
    ],
    'SREM counts removed members': [
      ['SADD s a b', 2],
      ['SREM s a missing', 1],
      ['SREM missing a', 0],
      ['SCARD s', 1],
    ],
    'SISMEMBER and SMISMEMBER': [
      ['SADD s a', 1],
      ['SISMEMBER s a', 1],
      ['SISMEMBER s b', 0],
      ['SMISMEMBER s a b', [1, 0]],
      ['SISMEMBER missing a', 0],
    ],
    'SMEMBERS holds every member once': [
      ['SADD s a b a c', 3],
      ['SMEMBERS s', sorted('a', 'b', 'c')],
      ['SMEMBERS missing', []],
    ],
    'SINTER, SUNION and SDIFF': [
      ['SADD s a b c', 3],
      ['SADD t c d', 2],
      ['SINTER s t', ['c']],
      ['SUNION s t', sorted('a', 'b', 'c', 'd')],
      ['SDIFF s t', sorted('a', 'b')],
      ['SINTER s missing', []],
    ],
    'SINTERCARD counts up to its limit': [
      ['SADD s a b c', 3],
      ['SADD t a b c', 3],
      ['SINTERCARD 2 s t', 3],
      ['SINTERCARD 2 s t LIMIT 2', 2],
    ],
    'the STORE forms answer the size': [
      ['SADD s a b', 2],
      ['SADD t b c', 2],
      ['SINTERSTORE d s t', 1],
      ['SUNIONSTORE d s t', 3],
      ['SDIFFSTORE d s t', 1],
      ['SMEMBERS d', ['a']],
      ['SINTERSTORE d s missing', 0],
      ['EXISTS d', 0],
    ],
    'SMOVE moves one member': [
      ['SADD s a', 1],
      ['SMOVE s t a', 1],
      ['SMOVE s t a', 0],
      ['SISMEMBER t a', 1],
    ],
    'SPOP removes what it answers': [
      ['SADD s a', 1],
      ['SPOP s', 'a'],
      ['SPOP s', null],
      ['SADD s a b', 2],
      ['SPOP s 5', sorted('a', 'b')],
      ['EXISTS s', 0],
    ],
    'SRANDMEMBER does not remove': [
      ['SADD s a', 1],
      ['SRANDMEMBER s', 'a'],
      ['SRANDMEMBER s -3', ['a', 'a', 'a']],
      ['SRANDMEMBER s 5', ['a']],
      ['SRANDMEMBER missing', null],
      ['SCARD s', 1],
    ],
    'set commands refuse another type': [
      ['SET a 1', 'OK'],
      ['SADD a x', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['SMEMBERS a', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['SINTER a', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ],
    'set commands refuse a wrong number of arguments': [
      [['CALL', 'SADD', 's'], refused("ERR wrong number of arguments for 'sadd' command")],
      [['CALL', 'SCARD'], refused("ERR wrong number of arguments for 'scard' command")],
    ],
  });

  it('SSCAN answers every member, also while they are removed', async () => {
    const members = Array.from({ length: 300 }, (_, at) => `member:${at}`).sort();
    await engine.redis.sadd('s', ...members);
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await engine.redis.sscan('s', cursor, 'COUNT', 20);
      for (const member of page) seen.add(member);
      if (page.length > 0) await engine.redis.srem('s', ...page);
      cursor = next;
    } while (cursor !== '0');
    expect([...seen].sort()).toEqual(members);
  });
});
