import { expect, it } from 'vitest';
import { between, facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Consumer groups', (engine) => {
  facts(engine, {
    'XGROUP CREATE needs the stream, or MKSTREAM': [
      [
        'XGROUP CREATE x g 0',
        refused(
          'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
        ),
      ],
      ['XGROUP CREATE x g 0 MKSTREAM', 'OK'],
      ['EXISTS x', 1],
      ['XLEN x', 0],
    ],
    'XGROUP CREATE twice is BUSYGROUP': [
      ['XGROUP CREATE x g $ MKSTREAM', 'OK'],
      ['XGROUP CREATE x g $', refused('BUSYGROUP Consumer Group name already exists')],
      ['XGROUP CREATE x h 0', 'OK'],
    ],
    'XGROUP CREATE refuses a bad id': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g abc', refused('ERR Invalid stream ID specified as stream command argument')],
    ],
    'XREADGROUP delivers each entry once': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x 3-1 a 3', '3-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      [
        'XREADGROUP GROUP g c1 COUNT 2 STREAMS x >',
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
      ['XREADGROUP GROUP g c2 STREAMS x >', [['x', [['3-1', ['a', '3']]]]]],
      ['XREADGROUP GROUP g c1 STREAMS x >', null],
    ],
    'a group created at $ sees only what comes later': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g $', 'OK'],
      ['XREADGROUP GROUP g c STREAMS x >', null],
      ['XADD x 2-1 a 2', '2-1'],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['2-1', ['a', '2']]]]]],
    ],
    'XREADGROUP of two streams': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD y 2-2 b 2', '2-2'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XGROUP CREATE y g 0', 'OK'],
      [
        'XREADGROUP GROUP g c COUNT 1 STREAMS x y > >',
        [
          ['x', [['1-1', ['a', '1']]]],
          ['y', [['2-2', ['b', '2']]]],
        ],
      ],
    ],
    'XREADGROUP without the group or the stream is NOGROUP': [
      ['XADD x 1-1 a 1', '1-1'],
      [
        'XREADGROUP GROUP g c STREAMS x >',
        refused("NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option"),
      ],
      [
        'XREADGROUP GROUP g c STREAMS missing >',
        refused("NOGROUP No such key 'missing' or consumer group 'g' in XREADGROUP with GROUP option"),
      ],
    ],
    'XINFO GROUPS with lag': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c COUNT 1 STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      [
        'XINFO GROUPS x',
        [
          [
            'name',
            'g',
            'consumers',
            1,
            'pending',
            1,
            'last-delivered-id',
            '1-1',
            'entries-read',
            1,
            'lag',
            1,
          ],
        ],
      ],
      ['XINFO GROUPS missing', refused('ERR no such key')],
    ],
    'XINFO CONSUMERS': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c COUNT 1 STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XINFO CONSUMERS x g', [['name', 'c', 'pending', 1, 'idle', between(0, 5000)]]],
    ],
    'XGROUP CREATECONSUMER and DELCONSUMER': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XGROUP CREATECONSUMER x g c', 1],
      ['XGROUP CREATECONSUMER x g c', 0],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XGROUP DELCONSUMER x g c', 1],
      ['XGROUP DELCONSUMER x g c', 0],
      ['XPENDING x g', [0, null, null, null]],
    ],
    'XGROUP SETID delivers again': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XGROUP SETID x g 0', 'OK'],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
    ],
    'XGROUP DESTROY': [
      ['XGROUP CREATE x g 0 MKSTREAM', 'OK'],
      ['XGROUP DESTROY x g', 1],
      ['XGROUP DESTROY x g', 0],
    ],
  });

  it('two consumers share the entries of a stream without overlap', async () => {
    await engine.redis.xgroup('CREATE', 'x', 'g', '0', 'MKSTREAM');
    const pipeline = engine.redis.pipeline();
    for (let at = 1; at <= 40; at += 1) pipeline.xadd('x', `${at}-1`, 'n', String(at));
    await pipeline.exec();
    const read = async (consumer: string): Promise<string[]> => {
      const reply = await engine.redis.xreadgroup('GROUP', 'g', consumer, 'COUNT', 10, 'STREAMS', 'x', '>');
      return ((reply as [string, [string, string[]][]][] | null) ?? []).flatMap(([, entries]) =>
        entries.map(([id]) => id),
      );
    };
    const seen = [await read('a'), await read('b'), await read('a'), await read('b'), await read('a')].flat();
    expect(seen).toEqual(Array.from({ length: 40 }, (_, at) => `${at + 1}-1`));
  });
});
