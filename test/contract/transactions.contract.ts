import { expect, it } from 'vitest';
import { facts, pause, refused, replies } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Transactions and pipelines', (engine) => {
  facts(engine, {
    'MULTI queues and EXEC answers all replies in order': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'a', '1'], 'QUEUED'],
      [['CALL', 'INCR', 'a'], 'QUEUED'],
      [['CALL', 'GET', 'a'], 'QUEUED'],
      [
        ['CALL', 'EXEC'],
        ['OK', 2, '2'],
      ],
      ['GET a', '2'],
    ],
    'a command that fails while running does not undo the others': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'a', 'x'], 'QUEUED'],
      [['CALL', 'SET', 'b', '1'], 'QUEUED'],
      [
        ['CALL', 'EXEC'],
        ['OK', 'OK'],
      ],
      ['GET b', '1'],
    ],
    'a command that cannot be queued aborts the transaction': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'a', '1'], 'QUEUED'],
      [['CALL', 'NOPE'], refused("ERR unknown command 'NOPE', with args beginning with: ")],
      [['CALL', 'EXEC'], refused('EXECABORT Transaction discarded because of previous errors.')],
      ['EXISTS a', 0],
    ],
    'a wrong number of arguments aborts the transaction': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'a'], refused("ERR wrong number of arguments for 'set' command")],
      [['CALL', 'SET', 'a', '1'], 'QUEUED'],
      [['CALL', 'EXEC'], refused('EXECABORT Transaction discarded because of previous errors.')],
      ['EXISTS a', 0],
    ],
    'DISCARD drops the queue': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'a', '1'], 'QUEUED'],
      [['CALL', 'DISCARD'], 'OK'],
      ['EXISTS a', 0],
    ],
    'EXEC and DISCARD without MULTI, MULTI inside MULTI': [
      [['CALL', 'EXEC'], refused('ERR EXEC without MULTI')],
      [['CALL', 'DISCARD'], refused('ERR DISCARD without MULTI')],
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'MULTI'], refused('ERR MULTI calls can not be nested')],
      [['CALL', 'DISCARD'], 'OK'],
    ],
    'blocking commands do not block inside MULTI': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'BLPOP', 'l', '0'], 'QUEUED'],
      [['CALL', 'XREAD', 'BLOCK', '0', 'STREAMS', 'x', '$'], 'QUEUED'],
      [
        ['CALL', 'EXEC'],
        [null, null],
      ],
    ],
    'an empty transaction answers an empty list': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'EXEC'], []],
    ],
    'WATCH inside MULTI is refused': [
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'WATCH', 'a'], refused('ERR WATCH inside MULTI is not allowed')],
      [['CALL', 'DISCARD'], 'OK'],
    ],
  });

  it('a pipeline answers in the order it was sent, errors in their place', async () => {
    const reply = await engine.redis.pipeline().set('a', 'x').incr('a').get('a').get('missing').exec();
    expect(reply?.map(([error, value]) => error?.message ?? value)).toEqual([
      'OK',
      'ERR value is not an integer or out of range',
      'x',
      null,
    ]);
  });

  it('a pipeline of five thousand commands answers all of them', async () => {
    const pipeline = engine.redis.pipeline();
    for (let at = 0; at < 5000; at += 1) pipeline.incr('n');
    const reply = await pipeline.exec();
    expect(reply?.map(([, value]) => value)).toEqual(Array.from({ length: 5000 }, (_, at) => at + 1));
  });

  it('commands sent without waiting are carried out in order', async () => {
    const sent = [
      engine.redis.set('a', '1'),
      engine.redis.append('a', '2'),
      engine.redis.append('a', '3'),
      engine.redis.get('a'),
    ];
    expect(await Promise.all(sent)).toEqual(['OK', 2, 3, '123']);
  });

  it('multi() of the client sends one transaction', async () => {
    const reply = await engine.redis.multi().set('a', '1').incr('a').hset('h', 'f', 'v').exec();
    expect(reply).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, 1],
    ]);
  });

  it('multi() reports the command that failed in its place', async () => {
    const reply = await engine.redis.multi().set('a', 'x').incr('a').get('a').exec();
    expect(reply?.map(([error, value]) => error?.message ?? value)).toEqual([
      'OK',
      'ERR value is not an integer or out of range',
      'x',
    ]);
  });

  it('nobody sees half a transaction', async () => {
    const other = await engine.connect();
    const seen: Promise<(string | null)[]>[] = [];
    for (let at = 1; at <= 50; at += 1) {
      const done = engine.redis.multi().set('a', at).set('b', at).exec();
      seen.push(other.mget('a', 'b'));
      await done;
    }
    for (const [a, b] of await Promise.all(seen)) expect(a).toBe(b);
  });

  it('EXEC answers null when a watched key was changed by someone else', async () => {
    const client = await engine.connect();
    await client.watch('a');
    await engine.redis.set('a', 'other');
    expect(await client.multi().set('a', 'mine').exec()).toBeNull();
    expect(await engine.redis.get('a')).toBe('other');
  });

  it('EXEC goes through when the watched key was left alone, and after UNWATCH', async () => {
    const client = await engine.connect();
    await client.watch('a');
    expect(await client.multi().set('a', 'mine').exec()).toEqual([[null, 'OK']]);
    await client.watch('a');
    await engine.redis.set('a', 'other');
    await client.unwatch();
    expect(await client.multi().get('a').exec()).toEqual([[null, 'other']]);
  });

  it('a connection that closes inside MULTI carries nothing out', async () => {
    const client = await engine.connect();
    await replies(client, ['CALL', 'MULTI'], ['CALL', 'SET', 'a', '1']);
    client.disconnect();
    await pause(20);
    expect(await engine.redis.exists('a')).toBe(0);
  });
});
