import { expect, it } from 'vitest';
import { pause, send } from './support/commands.js';
import { withEngine } from './support/engine.js';

withEngine('Blocking reads', (engine) => {
  /** Time from the write until the waiting read has its answer; the best of ten, so that a busy machine does not count. */
  const bestWakeUp = async (wait: () => Promise<unknown>, write: () => Promise<unknown>): Promise<number> => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10; round += 1) {
      const waiting = wait();
      await pause(5);
      const writtenAt = performance.now();
      await write();
      expect(await waiting).not.toBeNull();
      best = Math.min(best, performance.now() - writtenAt);
    }
    return best;
  };

  it('XREAD BLOCK wakes without a stall', async () => {
    const reader = await engine.connect();
    const best = await bestWakeUp(
      () => reader.xread('BLOCK', 5000, 'STREAMS', 'x', '$'),
      () => engine.redis.xadd('x', '*', 'f', 'v'),
    );
    expect(best).toBeLessThan(25);
  });

  it('XREADGROUP BLOCK wakes without a stall', async () => {
    const reader = await engine.connect();
    await engine.redis.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM');
    const best = await bestWakeUp(
      () => reader.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 5000, 'STREAMS', 'x', '>'),
      () => engine.redis.xadd('x', '*', 'f', 'v'),
    );
    expect(best).toBeLessThan(25);
  });

  it('BLPOP wakes without a stall', async () => {
    const reader = await engine.connect();
    const best = await bestWakeUp(
      () => reader.blpop('l', 5),
      () => engine.redis.rpush('l', 'v'),
    );
    expect(best).toBeLessThan(25);
  });

  it('XREAD BLOCK answers at once what is already there', async () => {
    await engine.redis.xadd('x', '1-1', 'f', 'v');
    expect(await engine.redis.xread('BLOCK', 5000, 'STREAMS', 'x', '0')).toEqual([
      ['x', [['1-1', ['f', 'v']]]],
    ]);
  });

  it('XREAD BLOCK answers null after its time, not before', async () => {
    const reader = await engine.connect();
    const startedAt = performance.now();
    expect(await reader.xread('BLOCK', 80, 'STREAMS', 'x', '$')).toBeNull();
    const waited = performance.now() - startedAt;
    expect(waited).toBeGreaterThan(70);
    expect(waited).toBeLessThan(2000);
  });

  it('XREADGROUP BLOCK and BLPOP answer null after their time', async () => {
    const reader = await engine.connect();
    await engine.redis.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM');
    expect(await reader.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 30, 'STREAMS', 'x', '>')).toBeNull();
    expect(await reader.blpop('l', 0.03)).toBeNull();
  });

  it('a blocked read does not hold up other connections', async () => {
    const reader = await engine.connect();
    const waiting = reader.xread('BLOCK', 0, 'STREAMS', 'x', '$');
    await pause(10);
    expect(await engine.redis.set('a', '1')).toBe('OK');
    expect(await engine.redis.eval('return 1', 0)).toBe(1);
    await engine.redis.xadd('x', '1-1', 'f', 'v');
    expect(await waiting).toEqual([['x', [['1-1', ['f', 'v']]]]]);
  });

  it('commands behind a blocked read on the same connection wait their turn', async () => {
    const reader = await engine.connect();
    const order: string[] = [];
    const waiting = reader.xread('BLOCK', 60, 'STREAMS', 'x', '$').then(() => order.push('read'));
    const behind = reader.ping().then(() => order.push('ping'));
    await Promise.all([waiting, behind]);
    expect(order).toEqual(['read', 'ping']);
  });

  it('XREAD BLOCK on several streams wakes for any of them, with COUNT', async () => {
    const reader = await engine.connect();
    const waiting = reader.xread('COUNT', 1, 'BLOCK', 5000, 'STREAMS', 'x', 'y', '$', '$');
    await pause(10);
    await engine.redis.multi().xadd('y', '1-1', 'f', '1').xadd('y', '1-2', 'f', '2').exec();
    expect(await waiting).toEqual([['y', [['1-1', ['f', '1']]]]]);
  });

  it('a write inside a script or a transaction wakes a blocked read', async () => {
    const reader = await engine.connect();
    const first = reader.xread('BLOCK', 5000, 'STREAMS', 'x', '$');
    await pause(10);
    await engine.redis.eval("return redis.call('XADD', KEYS[1], '1-1', 'f', 'v')", 1, 'x');
    expect(await first).toEqual([['x', [['1-1', ['f', 'v']]]]]);
    const second = reader.blpop('l', 5);
    await pause(10);
    await engine.redis.multi().rpush('l', 'v').exec();
    expect(await second).toEqual(['l', 'v']);
  });

  it('all readers of a stream are woken by one entry', async () => {
    const readers = await Promise.all(Array.from({ length: 5 }, () => engine.connect()));
    const waiting = readers.map((reader) => reader.xread('BLOCK', 5000, 'STREAMS', 'x', '$'));
    await pause(20);
    await engine.redis.xadd('x', '1-1', 'f', 'v');
    for (const answer of await Promise.all(waiting)) expect(answer).toEqual([['x', [['1-1', ['f', 'v']]]]]);
  });

  it('who waits longest is served first', async () => {
    const readers = await Promise.all(Array.from({ length: 3 }, () => engine.connect()));
    const served: string[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const [at, reader] of readers.entries()) {
      waiting.push(reader.blpop('l', 5).then((reply) => served.push(`${at}:${reply?.[1] ?? ''}`)));
      await pause(10);
    }
    for (const value of ['a', 'b', 'c']) await engine.redis.rpush('l', value);
    await Promise.all(waiting);
    expect(served.sort()).toEqual(['0:a', '1:b', '2:c']);
  });

  it('consumers of a group that wait longest are served first', async () => {
    await engine.redis.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM');
    const readers = await Promise.all(Array.from({ length: 3 }, () => engine.connect()));
    const served: string[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const [at, reader] of readers.entries()) {
      const read = reader.xreadgroup('GROUP', 'g', `c${at}`, 'COUNT', 1, 'BLOCK', 5000, 'STREAMS', 'x', '>');
      waiting.push(read.then((reply) => served.push(`${at}:${JSON.stringify(reply)}`)));
      await pause(10);
    }
    for (const id of ['1-1', '2-1', '3-1']) {
      await engine.redis.xadd('x', id, 'f', 'v');
      await pause(5);
    }
    await Promise.all(waiting);
    expect(served.sort()).toEqual(
      ['1-1', '2-1', '3-1'].map((id, at) => `${at}:[["x",[["${id}",["f","v"]]]]]`),
    );
  });

  it('a reader that went away takes nothing with it', async () => {
    const gone = await engine.connect();
    const lost = send(gone, 'BLPOP l 0');
    await pause(20);
    gone.disconnect();
    await lost;
    await pause(20);
    await engine.redis.rpush('l', 'v');
    expect(await engine.redis.lrange('l', 0, -1)).toEqual(['v']);
  });

  it('a consumer that went away leaves the entry to the next', async () => {
    await engine.redis.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM');
    const gone = await engine.connect();
    const lost = send(gone, 'XREADGROUP GROUP g gone BLOCK 0 STREAMS x >');
    await pause(20);
    gone.disconnect();
    await lost;
    await pause(20);
    await engine.redis.xadd('x', '1-1', 'f', 'v');
    expect(await send(engine.redis, 'XREADGROUP GROUP g next STREAMS x >')).toEqual([
      ['x', [['1-1', ['f', 'v']]]],
    ]);
  });

  it('CLIENT KILL ends a blocked connection', async () => {
    const reader = await engine.connect();
    const id = await reader.client('ID');
    const waiting = send(reader, 'XREAD BLOCK 0 STREAMS x $');
    await pause(10);
    expect(await engine.redis.client('KILL', 'ID', id)).toBe(1);
    expect(await waiting).toMatchObject({ message: expect.any(String) as string });
  });
});
