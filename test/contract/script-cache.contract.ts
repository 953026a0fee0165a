import { expect, it } from 'vitest';
import { facts, refused } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Scripts: cache and isolation', (engine) => {
  facts(engine, {
    'SCRIPT LOAD, EXISTS and EVALSHA': [
      [['SCRIPT', 'LOAD', "return 'loaded'"], 'b534286061d4b9e4026607613b95c06c06015ae8'],
      [
        [
          'SCRIPT',
          'EXISTS',
          'b534286061d4b9e4026607613b95c06c06015ae8',
          'ffffffffffffffffffffffffffffffffffffffff',
        ],
        [1, 0],
      ],
      [['EVALSHA', 'b534286061d4b9e4026607613b95c06c06015ae8', '0'], 'loaded'],
    ],
    'EVALSHA without the script is NOSCRIPT, and EVAL loads it': [
      ['SCRIPT FLUSH', 'OK'],
      [
        ['EVALSHA', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', '0'],
        refused('NOSCRIPT No matching script. Please use EVAL.'),
      ],
      [['EVAL', 'return 1', '0'], 1],
      [['EVALSHA', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', '0'], 1],
      [['EVALSHA', 'E0E1F9FABFC9D4800C877A703B823AC0578FF8DB', '0'], 1],
      [
        [
          'SCRIPT',
          'EXISTS',
          'e0e1f9fabfc9d4800c877a703b823ac0578ff8db',
          'ffffffffffffffffffffffffffffffffffffffff',
        ],
        [1, 0],
      ],
      ['SCRIPT FLUSH', 'OK'],
      [['SCRIPT', 'EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'], [0]],
      ['SCRIPT FLUSH SYNC', 'OK'],
      ['SCRIPT FLUSH WRONG', refused('ERR SCRIPT FLUSH only support SYNC|ASYNC option')],
      ['SCRIPT NOPE', refused("ERR unknown subcommand 'NOPE'. Try SCRIPT HELP.")],
    ],
    'FLUSHALL keeps the scripts': [
      [['SCRIPT', 'LOAD', 'return 1'], 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'],
      ['FLUSHALL', 'OK'],
      [['SCRIPT', 'EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'], [1]],
    ],
    'a script that expires a key sees it gone at once': [
      [
        [
          'EVAL',
          "redis.call('SET', KEYS[1], 'v') redis.call('PEXPIRE', KEYS[1], -1) return redis.call('EXISTS', KEYS[1])",
          '1',
          'a',
        ],
        0,
      ],
    ],
    'the SELECT of a script does not outlive it': [
      [
        [
          'EVAL',
          "redis.call('SELECT', 1) redis.call('SET', KEYS[1], 'there') return redis.call('GET', KEYS[1])",
          '1',
          'a',
        ],
        'there',
      ],
      ['EXISTS a', 0],
    ],
  });

  it('defineCommand sends EVALSHA, and EVAL when the script is unknown', async () => {
    const client = await engine.connect({
      scripts: { addTwice: { lua: "return redis.call('INCRBY', KEYS[1], ARGV[1] * 2)", numberOfKeys: 1 } },
    });
    const { addTwice } = client as unknown as { addTwice(key: string, by: number): Promise<number> };
    expect(await addTwice.call(client, 'n', 5)).toBe(10);
    await engine.redis.script('FLUSH');
    expect(await addTwice.call(client, 'n', 1)).toBe(12);
  });

  it('fifty scripts at once are carried out one after the other', async () => {
    const source =
      "local n = tonumber(redis.call('GET', KEYS[1]) or '0') redis.call('SET', KEYS[1], n + 1) return n";
    const seen = await Promise.all(Array.from({ length: 50 }, () => engine.redis.eval(source, 1, 'n')));
    expect(seen).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });

  it('scripts work inside a transaction', async () => {
    const reply = await engine.redis
      .multi()
      .set('a', '1')
      .eval("return redis.call('INCR', KEYS[1])", 1, 'a')
      .get('a')
      .exec();
    expect(reply).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
  });
});
