import { expect, it } from 'vitest';
import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Sorted sets', (engine) => {
  facts(engine, {
    'ZADD counts new members': [
      ['ZADD z 1 a 2 b', 2],
      ['ZADD z 5 a 3 c', 1],
      ['ZCARD z', 3],
      ['ZSCORE z a', '5'],
    ],
    'ZADD NX and XX': [
      ['ZADD z 1 a', 1],
      ['ZADD z NX 5 a 2 b', 1],
      ['ZSCORE z a', '1'],
      ['ZADD z XX 7 a 7 c', 0],
      ['ZSCORE z a', '7'],
      ['ZSCORE z c', null],
    ],
    'ZADD GT and LT move in one direction only': [
      ['ZADD z 5 a', 1],
      ['ZADD z GT CH 4 a', 0],
      ['ZADD z GT CH 6 a', 1],
      ['ZADD z LT CH 7 a', 0],
      ['ZADD z LT CH 1 a', 1],
      ['ZSCORE z a', '1'],
    ],
    'ZADD INCR answers the score, or null when the condition fails': [
      ['ZADD z INCR 2 a', '2'],
      ['ZADD z INCR 2 a', '4'],
      ['ZADD z NX INCR 1 a', null],
      ['ZADD z XX INCR 1 missing', null],
    ],
    'ZADD refuses contradicting options and bad scores': [
      ['ZADD z NX XX 1 a', refused('ERR XX and NX options at the same time are not compatible')],
      ['ZADD z GT LT 1 a', refused('ERR GT, LT, and/or NX options at the same time are not compatible')],
      ['ZADD z NX GT 1 a', refused('ERR GT, LT, and/or NX options at the same time are not compatible')],
      ['ZADD z nan a', refused('ERR value is not a valid float')],
      ['ZADD z abc a', refused('ERR value is not a valid float')],
      ['ZADD z INCR 1 a 2 b', refused('ERR INCR option supports a single increment-element pair')],
    ],
    'infinite scores': [
      ['ZADD z inf a -inf b', 2],
      ['ZSCORE z a', 'inf'],
      ['ZRANGE z 0 -1 WITHSCORES', ['b', '-inf', 'a', 'inf']],
      ['ZINCRBY z -inf a', refused('ERR resulting score is not a number (NaN)')],
    ],
    'scores keep 16 digits': [
      ['ZADD z 1795219493123456 a', 1],
      ['ZSCORE z a', '1795219493123456'],
      ['ZADD z 0.5 b', 1],
      ['ZSCORE z b', '0.5'],
      ['ZINCRBY z 0.25 b', '0.75'],
      ['ZADD z 1e21 c', 1],
      ['ZSCORE z c', '1e+21'],
    ],
    'equal scores are ordered by member': [
      ['ZADD z 1 b 1 a 1 c', 3],
      ['ZRANGE z 0 -1', ['a', 'b', 'c']],
    ],
    'ZRANGE by rank': [
      ['ZADD z 1 a 2 b 3 c', 3],
      ['ZRANGE z 0 -1', ['a', 'b', 'c']],
      ['ZRANGE z 1 1', ['b']],
      ['ZRANGE z -2 -1', ['b', 'c']],
      ['ZRANGE z 5 9', []],
      ['ZRANGE z 0 -1 WITHSCORES', ['a', '1', 'b', '2', 'c', '3']],
      ['ZRANGE z 0 1 REV', ['c', 'b']],
      ['ZREVRANGE z 0 0 WITHSCORES', ['c', '3']],
      ['ZRANGE missing 0 -1', []],
    ],
    'ZRANGE BYSCORE with borders, LIMIT, REV and WITHSCORES': [
      ['ZADD z 1 a 2 b 3 c 4 d', 4],
      ['ZRANGE z 2 3 BYSCORE', ['b', 'c']],
      ['ZRANGE z (2 +inf BYSCORE', ['c', 'd']],
      ['ZRANGE z -inf (3 BYSCORE WITHSCORES', ['a', '1', 'b', '2']],
      ['ZRANGE z -inf +inf BYSCORE LIMIT 1 2', ['b', 'c']],
      ['ZRANGE z +inf -inf BYSCORE REV LIMIT 0 2', ['d', 'c']],
      ['ZRANGE z -inf +inf BYSCORE LIMIT 2 -1', ['c', 'd']],
    ],
    'ZRANGEBYSCORE and ZREVRANGEBYSCORE': [
      ['ZADD z 1 a 2 b 3 c', 3],
      ['ZRANGEBYSCORE z 2 +inf', ['b', 'c']],
      ['ZRANGEBYSCORE z (1 (3', ['b']],
      ['ZRANGEBYSCORE z 1 3 WITHSCORES LIMIT 0 2', ['a', '1', 'b', '2']],
      ['ZREVRANGEBYSCORE z 3 (1', ['c', 'b']],
      ['ZRANGEBYSCORE z x 1', refused('ERR min or max is not a float')],
    ],
    'ZRANGE BYLEX': [
      ['ZADD z 0 a 0 b 0 c 0 d', 4],
      ['ZRANGE z [b + BYLEX', ['b', 'c', 'd']],
      ['ZRANGE z - (c BYLEX', ['a', 'b']],
      ['ZRANGE z + - BYLEX REV LIMIT 0 2', ['d', 'c']],
      ['ZRANGEBYLEX z [b [c', ['b', 'c']],
      ['ZREVRANGEBYLEX z [c -', ['c', 'b', 'a']],
      ['ZLEXCOUNT z [a (c', 2],
      ['ZRANGEBYLEX z b c', refused('ERR min or max not valid string range item')],
    ],
    'ZRANGE refuses LIMIT by rank and WITHSCORES by lex': [
      ['ZADD z 0 a', 1],
      [
        'ZRANGE z 0 1 LIMIT 0 1',
        refused('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX'),
      ],
      [
        'ZRANGE z - + BYLEX WITHSCORES',
        refused('ERR syntax error, WITHSCORES not supported in combination with BYLEX'),
      ],
    ],
    'ZCOUNT, ZRANK and ZREVRANK': [
      ['ZADD z 1 a 2 b 3 c', 3],
      ['ZCOUNT z (1 +inf', 2],
      ['ZRANK z a', 0],
      ['ZREVRANK z a', 2],
      ['ZRANK z missing', null],
    ],
    'ZMSCORE answers null for a missing member': [
      ['ZADD z 1.5 a', 1],
      ['ZMSCORE z a missing', ['1.5', null]],
      ['ZSCORE missing a', null],
    ],
    'ZINCRBY creates and adds': [
      ['ZINCRBY z 1.5 a', '1.5'],
      ['ZINCRBY z -1 a', '0.5'],
    ],
    'ZREM and the ZREMRANGE forms': [
      ['ZADD z 1 a 2 b 3 c 4 d 5 e', 5],
      ['ZREM z a missing', 1],
      ['ZREMRANGEBYSCORE z -inf (3', 1],
      ['ZREMRANGEBYRANK z 0 0', 1],
      ['ZREMRANGEBYLEX z - +', 2],
      ['EXISTS z', 0],
    ],
    'ZPOPMIN and ZPOPMAX': [
      ['ZADD z 1 a 2 b 3 c 4 d', 4],
      ['ZPOPMIN z', ['a', '1']],
      ['ZPOPMAX z', ['d', '4']],
      ['ZPOPMIN z 5', ['b', '2', 'c', '3']],
      ['ZPOPMIN z', []],
      ['EXISTS z', 0],
    ],
    'ZUNIONSTORE and ZINTERSTORE with weights and aggregate': [
      ['ZADD z 1 a 2 b', 2],
      ['ZADD y 3 b', 1],
      ['ZUNIONSTORE d 2 z y WEIGHTS 1 2 AGGREGATE MAX', 2],
      ['ZRANGE d 0 -1 WITHSCORES', ['a', '1', 'b', '6']],
      ['ZINTERSTORE d 2 z y', 1],
      ['ZRANGE d 0 -1 WITHSCORES', ['b', '5']],
      ['ZDIFF 2 z y', ['a']],
    ],
    'ZRANGESTORE stores a range': [
      ['ZADD z 1 a 2 b 3 c', 3],
      ['ZRANGESTORE d z 0 1', 2],
      ['ZRANGE d 0 -1', ['a', 'b']],
    ],
    'ZMPOP takes from the first filled set': [
      ['ZADD z 1 a 2 b', 2],
      ['ZMPOP 2 missing z MIN', ['z', [['a', '1']]]],
      ['ZMPOP 2 missing z MAX COUNT 5', ['z', [['b', '2']]]],
      ['ZMPOP 1 missing MIN', null],
    ],
    'sorted set commands refuse another type': [
      ['SET a 1', 'OK'],
      ['ZADD a 1 x', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['ZRANGE a 0 -1', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['ZSCORE a x', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ],
    'sorted set commands refuse a wrong number of arguments': [
      [['CALL', 'ZADD', 'z', '1'], refused("ERR wrong number of arguments for 'zadd' command")],
      [['CALL', 'ZRANGE', 'z'], refused("ERR wrong number of arguments for 'zrange' command")],
    ],
  });

  it('ZSCAN answers every member with its score', async () => {
    const members = Array.from({ length: 200 }, (_, at) => [at, `m${at}`] as const);
    await engine.redis.zadd('z', ...members.flat());
    const seen = new Map<string, string>();
    let cursor = '0';
    do {
      const [next, page] = await engine.redis.zscan('z', cursor, 'COUNT', 20);
      for (let at = 0; at < page.length; at += 2) seen.set(page[at] ?? '', page[at + 1] ?? '');
      cursor = next;
    } while (cursor !== '0');
    expect(seen).toEqual(new Map(members.map(([score, member]) => [member, String(score)])));
  });

  it('a thousand members are answered in the order of their scores', async () => {
    const scores = Array.from({ length: 1000 }, (_, at) => (at * 7919) % 1000);
    await engine.redis.zadd('z', ...scores.flatMap((score) => [score, `m${score}`]));
    const expected = Array.from({ length: 1000 }, (_, score) => `m${score}`);
    expect(await engine.redis.zrange('z', '0', '-1')).toEqual(expected);
  });
});
