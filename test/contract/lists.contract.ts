import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Lists', (engine) => {
  facts(engine, {
    'LPUSH and RPUSH answer the length': [
      ['RPUSH l a b', 2],
      ['LPUSH l z', 3],
      ['LRANGE l 0 -1', ['z', 'a', 'b']],
      ['LLEN l', 3],
    ],
    'LPUSHX and RPUSHX need an existing list': [
      ['LPUSHX l a', 0],
      ['RPUSH l a', 1],
      ['RPUSHX l b', 2],
      ['LRANGE l 0 -1', ['a', 'b']],
    ],
    'LPOP and RPOP, alone and with a count': [
      ['RPUSH l a b c d e', 5],
      ['LPOP l', 'a'],
      ['RPOP l', 'e'],
      ['LPOP l 2', ['b', 'c']],
      ['LPOP l 5', ['d']],
      ['LPOP l', null],
      ['LPOP l 2', null],
    ],
    'LPOP refuses a negative count': [
      ['RPUSH l a', 1],
      ['LPOP l -1', refused('ERR value is out of range, must be positive')],
    ],
    'LRANGE and LINDEX take negative positions': [
      ['RPUSH l a b c', 3],
      ['LRANGE l -2 -1', ['b', 'c']],
      ['LRANGE l 5 9', []],
      ['LINDEX l -1', 'c'],
      ['LINDEX l 9', null],
    ],
    'LSET, LINSERT and LREM': [
      ['RPUSH l a b a c a', 5],
      ['LSET l 0 x', 'OK'],
      ['LINSERT l BEFORE b y', 6],
      ['LREM l -1 a', 1],
      ['LRANGE l 0 -1', ['x', 'y', 'b', 'a', 'c']],
      ['LSET l 99 x', refused('ERR index out of range')],
      ['LSET missing 0 x', refused('ERR no such key')],
      ['LINSERT l AFTER nope y', -1],
    ],
    'LTRIM keeps a range': [
      ['RPUSH l a b c d', 4],
      ['LTRIM l 1 2', 'OK'],
      ['LRANGE l 0 -1', ['b', 'c']],
      ['LTRIM l 9 9', 'OK'],
      ['EXISTS l', 0],
    ],
    'LPOS finds positions': [
      ['RPUSH l a b a c a', 5],
      ['LPOS l a', 0],
      ['LPOS l a RANK -1', 4],
      ['LPOS l a COUNT 0', [0, 2, 4]],
      ['LPOS l nope', null],
    ],
    'LMOVE and RPOPLPUSH move one element': [
      ['RPUSH l a b c', 3],
      ['LMOVE l m LEFT RIGHT', 'a'],
      ['RPOPLPUSH l m', 'c'],
      ['LRANGE m 0 -1', ['c', 'a']],
      ['LMOVE missing m LEFT LEFT', null],
    ],
    'LMPOP takes from the first filled list': [
      ['RPUSH l a b c', 3],
      ['LMPOP 2 missing l LEFT COUNT 2', ['l', ['a', 'b']]],
      ['LMPOP 1 missing LEFT', null],
    ],
    'list commands refuse another type': [
      ['SET a 1', 'OK'],
      ['LPUSH a x', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['LRANGE a 0 -1', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['LPOP a', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ],
    'list commands refuse a wrong number of arguments': [
      [['CALL', 'LPUSH', 'l'], refused("ERR wrong number of arguments for 'lpush' command")],
      [['CALL', 'LRANGE', 'l', '0'], refused("ERR wrong number of arguments for 'lrange' command")],
    ],
  });
});
