import { expect, it } from 'vitest';
import { between, facts, pause, refused, replies, send } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Pending entries', (engine) => {
  facts(engine, {
    'XREADGROUP from 0 repeats what is pending for that consumer': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c1 COUNT 1 STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XREADGROUP GROUP g c2 COUNT 1 STREAMS x >', [['x', [['2-1', ['a', '2']]]]]],
      ['XREADGROUP GROUP g c1 STREAMS x 0', [['x', [['1-1', ['a', '1']]]]]],
      ['XREADGROUP GROUP g c1 STREAMS x 1-1', [['x', []]]],
    ],
    'XREADGROUP NOACK leaves nothing pending': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c NOACK STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XPENDING x g', [0, null, null, null]],
    ],
    'XACK counts, and a second time is 0': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XACK x g 1-1 9-9', 1],
      ['XACK x g 1-1', 0],
      ['XACK missing g 1-1', 0],
      ['XACK x missing 1-1', 0],
    ],
    'XPENDING in short has the counts as text': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x 3-1 a 3', '3-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XPENDING x g', [0, null, null, null]],
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
      [
        'XPENDING x g',
        [
          3,
          '1-1',
          '3-1',
          [
            ['c1', '2'],
            ['c2', '1'],
          ],
        ],
      ],
      ['XPENDING x missing', refused("NOGROUP No such key 'x' or consumer group 'missing'")],
      ['XPENDING missing g', refused("NOGROUP No such key 'missing' or consumer group 'g'")],
    ],
    'XPENDING in full has consumer, idle time and deliveries': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c1 COUNT 1 STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XREADGROUP GROUP g c2 COUNT 1 STREAMS x >', [['x', [['2-1', ['a', '2']]]]]],
      [
        'XPENDING x g - + 10',
        [
          ['1-1', 'c1', between(0, 5000), 1],
          ['2-1', 'c2', between(0, 5000), 1],
        ],
      ],
      ['XPENDING x g - + 10 c2', [['2-1', 'c2', between(0, 5000), 1]]],
      ['XPENDING x g (1-1 + 10', [['2-1', 'c2', between(0, 5000), 1]]],
      ['XPENDING x g IDLE 60000 - + 10', []],
    ],
    'XCLAIM takes over and counts the delivery': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c1 STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XCLAIM x g c2 0 1-1', [['1-1', ['a', '1']]]],
      ['XPENDING x g - + 10', [['1-1', 'c2', between(0, 5000), 2]]],
      ['XCLAIM x g c1 60000 1-1', []],
      ['XCLAIM x g c1 0 1-1 JUSTID', ['1-1']],
      ['XCLAIM x g c1 0 9-9', []],
    ],
    'XAUTOCLAIM takes over what is idle, page by page': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XADD x 3-1 a 3', '3-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      [
        'XREADGROUP GROUP g c1 STREAMS x >',
        [
          [
            'x',
            [
              ['1-1', ['a', '1']],
              ['2-1', ['a', '2']],
              ['3-1', ['a', '3']],
            ],
          ],
        ],
      ],
      [
        'XAUTOCLAIM x g c2 0 0-0 COUNT 2',
        [
          '3-1',
          [
            ['1-1', ['a', '1']],
            ['2-1', ['a', '2']],
          ],
          [],
        ],
      ],
      ['XAUTOCLAIM x g c2 0 3-1 COUNT 2', ['0-0', [['3-1', ['a', '3']]], []]],
      ['XAUTOCLAIM x g c3 60000 0-0', ['0-0', [], []]],
      ['XAUTOCLAIM x g c3 0 0 JUSTID', ['0-0', ['1-1', '2-1', '3-1'], []]],
      ['XAUTOCLAIM x missing c3 0 0', refused("NOGROUP No such key 'x' or consumer group 'missing'")],
    ],
    'XAUTOCLAIM reports and drops deleted entries': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XADD x 2-1 a 2', '2-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      [
        'XREADGROUP GROUP g c1 STREAMS x >',
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
      ['XDEL x 1-1', 1],
      ['XAUTOCLAIM x g c2 0 0', ['0-0', [['2-1', ['a', '2']]], ['1-1']]],
      ['XPENDING x g', [1, '2-1', '2-1', [['c2', '1']]]],
    ],
    'XREADGROUP from 0 shows a deleted entry without its fields': [
      ['XADD x 1-1 a 1', '1-1'],
      ['XGROUP CREATE x g 0', 'OK'],
      ['XREADGROUP GROUP g c STREAMS x >', [['x', [['1-1', ['a', '1']]]]]],
      ['XDEL x 1-1', 1],
      ['XREADGROUP GROUP g c STREAMS x 0', [['x', [['1-1', null]]]]],
    ],
  });

  it('what a consumer did not acknowledge is taken over after its idle time', async () => {
    await replies(
      engine.redis,
      'XADD x 1-1 a 1',
      'XGROUP CREATE x g 0',
      'XREADGROUP GROUP g dead STREAMS x >',
    );
    expect(await send(engine.redis, 'XAUTOCLAIM x g alive 60 0')).toEqual(['0-0', [], []]);
    await pause(80);
    expect(await send(engine.redis, 'XAUTOCLAIM x g alive 60 0')).toEqual(['0-0', [['1-1', ['a', '1']]], []]);
    expect(await send(engine.redis, 'XACK x g 1-1')).toBe(1);
  });
});
