import { expect, it } from 'vitest';
import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Streams', (engine) => {
  facts(engine, {
    'XADD with a full id, and the order it demands': [
      ['XADD x 1-1 a 1', '1-1'],
      [
        'XADD x 1-1 a 1',
        refused('ERR The ID specified in XADD is equal or smaller than the target stream top item'),
      ],
      [
        'XADD x 1-0 a 1',
        refused('ERR The ID specified in XADD is equal or smaller than the target stream top item'),
      ],
      ['XADD x 1-2 a 2', '1-2'],
      ['XLEN x', 2],
    ],
    'XADD with a time only, and with a star for the sequence': [
      ['XADD x 5 a 1', '5-0'],
      ['XADD x 5-* a 1', '5-1'],
      ['XADD x 6-* a 1', '6-0'],
    ],
    'XADD refuses 0-0, a bad id and a missing value': [
      ['XADD x 0-0 a 1', refused('ERR The ID specified in XADD must be greater than 0-0')],
      ['XADD x abc a 1', refused('ERR Invalid stream ID specified as stream command argument')],
      ['XADD x 1-1 a', refused("ERR wrong number of arguments for 'xadd' command")],
      ['XADD x 1-1', refused("ERR wrong number of arguments for 'xadd' command")],
      ['EXISTS x', 0],
    ],
    'XADD with a star makes an id from the clock': [['XADD x * a 1', expect.stringMatching(/^\d{13}-\d+$/)]],
    'XADD NOMKSTREAM does not create': [
      ['XADD x NOMKSTREAM 1-1 a 1', null],
      ['EXISTS x', 0],
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x NOMKSTREAM 2-1 a 1', '2-1'],
    ],
    'XADD MAXLEN trims exactly': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x MAXLEN 2 3-1 a 3', '3-1'],
      ['XLEN x', 2],
      ['XADD x MAXLEN = 1 4-1 a 4', '4-1'],
      ['XRANGE x - +', [['4-1', ['a', '4']]]],
    ],
    'XADD MINID trims exactly': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x MINID 2-1 3-1 a 3', '3-1'],
      ['XADD x MINID = 3 4-1 a 4', '4-1'],
      [
        'XRANGE x - +',
        [
          ['3-1', ['a', '3']],
          ['4-1', ['a', '4']],
        ],
      ],
    ],
    'XADD with ~ never trims below its limit': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x MAXLEN ~ 2 2-1 a 2', '2-1'],
      ['XADD x MAXLEN ~ 100 LIMIT 10 3-1 a 3', '3-1'],
      ['XADD x MINID ~ 1 4-1 a 4', '4-1'],
      ['XLEN x', 4],
    ],
    'XADD refuses LIMIT without ~': [
      [
        'XADD x MAXLEN 1 LIMIT 10 1-1 a 1',
        refused('ERR syntax error, LIMIT cannot be used without the special ~ option'),
      ],
    ],
    'XTRIM, and XLEN of a missing stream': [
      ['XLEN missing', 0],
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x 3-1 a 3', '3-1'],
      ['XTRIM x MINID 2', 1],
      ['XTRIM x MAXLEN = 1', 1],
      ['XTRIM x MAXLEN 0', 1],
      ['XLEN x', 0],
      ['EXISTS x', 1],
      ['XTRIM missing MAXLEN 1', 0],
    ],
    'a trimmed stream does not take an old id again': [
      ['XADD x 5-1 a 1', '5-1'],
      ['XTRIM x MAXLEN 0', 1],
      [
        'XADD x 4-1 a 1',
        refused('ERR The ID specified in XADD is equal or smaller than the target stream top item'),
      ],
      ['XADD x 6-1 a 1', '6-1'],
    ],
    'XDEL counts, and the stream stays when empty': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XDEL x 1-1 9-9', 1],
      ['XDEL x 1-1', 0],
      ['EXISTS x', 1],
      ['XLEN x', 0],
    ],
    'XRANGE and XREVRANGE with borders and COUNT': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 1-2 a 2', '1-2'],
      ['XADD x 2-1 a 3 b 4', '2-1'],
      [
        'XRANGE x - +',
        [
          ['1-1', ['a', '1']],
          ['1-2', ['a', '2']],
          ['2-1', ['a', '3', 'b', '4']],
        ],
      ],
      [
        'XRANGE x 1 1',
        [
          ['1-1', ['a', '1']],
          ['1-2', ['a', '2']],
        ],
      ],
      [
        'XRANGE x 1-2 +',
        [
          ['1-2', ['a', '2']],
          ['2-1', ['a', '3', 'b', '4']],
        ],
      ],
      ['XRANGE x - + COUNT 1', [['1-1', ['a', '1']]]],
      ['XREVRANGE x + - COUNT 1', [['2-1', ['a', '3', 'b', '4']]]],
      [
        'XREVRANGE x 1-2 1-1',
        [
          ['1-2', ['a', '2']],
          ['1-1', ['a', '1']],
        ],
      ],
      ['XRANGE missing - +', []],
    ],
    'XRANGE with exclusive borders': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 1-2 a 2', '1-2'],
      ['XADD x 2-1 a 3', '2-1'],
      [
        'XRANGE x (1-1 +',
        [
          ['1-2', ['a', '2']],
          ['2-1', ['a', '3']],
        ],
      ],
      [
        'XRANGE x - (2-1',
        [
          ['1-1', ['a', '1']],
          ['1-2', ['a', '2']],
        ],
      ],
      ['XRANGE x (1-1 (2-1', [['1-2', ['a', '2']]]],
      ['XREVRANGE x + (1-2', [['2-1', ['a', '3']]]],
      ['XRANGE x (1-1 + COUNT 1', [['1-2', ['a', '2']]]],
      ['XRANGE x (2-1 +', []],
    ],
    'XRANGE refuses a bad id': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XRANGE x abc +', refused('ERR Invalid stream ID specified as stream command argument')],
      ['XRANGE x - 1-abc', refused('ERR Invalid stream ID specified as stream command argument')],
    ],
    'XREAD after an id': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD y 1-1 b 1', '1-1'],
      [
        'XREAD STREAMS x 0',
        [
          [
            'x',
            [
              ['1-1', ['a', '1']],
              ['2-1', ['a', '2']],
            ],
          ],
        ],
      ],
      [
        'XREAD COUNT 1 STREAMS x y 0 0',
        [
          ['x', [['1-1', ['a', '1']]]],
          ['y', [['1-1', ['b', '1']]]],
        ],
      ],
      ['XREAD STREAMS x 1-1', [['x', [['2-1', ['a', '2']]]]]],
      ['XREAD STREAMS x $', null],
      ['XREAD STREAMS missing 0', null],
    ],
    'XREAD refuses an incomplete call and a bad id': [
      ['XREAD COUNT 1', refused("ERR wrong number of arguments for 'xread' command")],
      ['XREAD STREAMS x abc', refused('ERR Invalid stream ID specified as stream command argument')],
    ],
    'XSETID moves the last id forward': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XSETID x 9-9', 'OK'],
      [
        'XADD x 3-3 a 1',
        refused('ERR The ID specified in XADD is equal or smaller than the target stream top item'),
      ],
      ['XADD x 10-1 a 1', '10-1'],
      ['XSETID x 2-2', refused('ERR The ID specified in XSETID is smaller than the target stream top item')],
    ],
    'XINFO STREAM': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      [
        'XINFO STREAM x',
        [
          'length',
          2,
          'radix-tree-keys',
          1,
          'radix-tree-nodes',
          2,
          'last-generated-id',
          '2-1',
          'max-deleted-entry-id',
          '0-0',
          'entries-added',
          2,
          'recorded-first-entry-id',
          '1-1',
          'groups',
          0,
          'first-entry',
          ['1-1', ['a', '1']],
          'last-entry',
          ['2-1', ['a', '2']],
        ],
      ],
      ['XINFO STREAM missing', refused('ERR no such key')],
    ],
    'repeated fields keep their order': [
      ['XADD x 1-1 f 1 f 2 g 3', '1-1'],
      ['XRANGE x - +', [['1-1', ['f', '1', 'f', '2', 'g', '3']]]],
    ],
    'stream commands refuse another type': [
      ['SET a 1', 'OK'],
      ['XADD a 1-1 f 1', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['XRANGE a - +', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['XREAD STREAMS a 0', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
      ['XLEN a', refused('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ],
    'stream commands refuse a wrong number of arguments': [
      [['CALL', 'XADD', 'x'], refused("ERR wrong number of arguments for 'xadd' command")],
      [['CALL', 'XRANGE', 'x', '-'], refused("ERR wrong number of arguments for 'xrange' command")],
      [['CALL', 'XLEN'], refused("ERR wrong number of arguments for 'xlen' command")],
    ],
  });

  it('XADD with a star is strictly increasing, also within one millisecond', async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, () => engine.redis.xadd('x', '*', 'f', 'v')));
    const order = (id: string | null): bigint => {
      const [time = '0', sequence = '0'] = (id ?? '').split('-');
      return BigInt(time) * 1_000_000n + BigInt(sequence);
    };
    for (let at = 1; at < ids.length; at += 1) {
      expect(order(ids[at] ?? null) > order(ids[at - 1] ?? null)).toBe(true);
    }
    expect(await engine.redis.xlen('x')).toBe(200);
  });

  it('XRANGE in pages answers every entry once', async () => {
    const pipeline = engine.redis.pipeline();
    for (let at = 1; at <= 250; at += 1) pipeline.xadd('x', `${at}-1`, 'n', String(at));
    await pipeline.exec();
    const seen: string[] = [];
    let from = '-';
    for (;;) {
      const page = await engine.redis.xrange('x', from, '+', 'COUNT', 100);
      if (page.length === 0) break;
      for (const [, fields] of page) seen.push(fields[1] ?? '');
      from = `(${page.at(-1)?.[0] ?? ''}`;
    }
    expect(seen).toEqual(Array.from({ length: 250 }, (_, at) => String(at + 1)));
  });

  it('binary fields come back byte for byte', async () => {
    const payload = Buffer.from([0, 255, 254, 13, 10]);
    await engine.redis.xadd('x', '1-1', 'payload', payload);
    expect(await engine.redis.xrangeBuffer('x', '-', '+')).toEqual([
      [Buffer.from('1-1'), [Buffer.from('payload'), payload]],
    ]);
  });

  it('an entry of one megabyte comes back whole', async () => {
    const payload = 'x'.repeat(1024 * 1024);
    await engine.redis.xadd('x', '1-1', 'payload', payload);
    expect(await engine.redis.xread('STREAMS', 'x', '0')).toEqual([['x', [['1-1', ['payload', payload]]]]]);
  });

  it('MAXLEN ~ never keeps less than asked for', async () => {
    const pipeline = engine.redis.pipeline();
    for (let at = 0; at < 500; at += 1) pipeline.xadd('x', 'MAXLEN', '~', '50', '*', 'f', 'v');
    await pipeline.exec();
    expect(await engine.redis.xlen('x')).toBeGreaterThanOrEqual(50);
  });
});
