import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { DEAD, GROUP, KEY, QueueRig, nameOf } from './stream-group.rig.js';
import { withEngine } from './support/engine.js';

withEngine('A consumer group as it comes and goes', (engine) => {
  let rig: QueueRig;
  beforeAll(async () => {
    rig = await QueueRig.open(engine);
  });
  afterEach(() => rig.rest());
  afterAll(() => rig.close());

  const collect = (done: string[]) => (work: Parameters<typeof nameOf>[0]) =>
    Promise.resolve(void done.push(nameOf(work)));

  describe('a worker that stops', () => {
    it('hands back what it did not end, and the next one has it at once, uncounted', async () => {
      await rig.add(3);
      let begun = 0;
      const perform = (_work: unknown, signal: AbortSignal) => {
        begun += 1;
        return new Promise<void>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('called off'))),
        );
      };
      // The lease is an hour: nobody would have them otherwise.
      const hour = { leaseMs: 3_600_000 };
      const worker = rig.worker(perform, { performMs: 3_000_000 }, hour);
      await waitFor(() => begun === 3, { what: 'all to be begun' });
      await worker.stop(10);
      expect(rig.outcomes).toEqual(['returned', 'returned', 'returned']);
      expect(await rig.pending()).toBe(3);

      const attempts: number[] = [];
      rig.worker((work) => Promise.resolve(void attempts.push(work.attempts)), {}, hour);
      await rig.idle();
      expect(attempts).toEqual([1, 1, 1]);
    });

    it('finishes what ends in time, and is forgotten among the consumers', async () => {
      await rig.add(1);
      let finish = (): void => undefined;
      const gate = new Promise<void>((resolve) => (finish = resolve));
      const begun: string[] = [];
      const worker = rig.worker(
        (work) => {
          begun.push(nameOf(work));
          return gate;
        },
        { atOnce: 1 },
        { consumer: 'one' },
      );
      await waitFor(() => begun.length === 1, { what: 'the first to begin' });
      expect(await rig.consumers()).toEqual(['one']);
      await rig.add(2, 1);
      const stopped = worker.stop(10_000);
      finish();
      await stopped;
      expect([begun, rig.outcomes, await rig.consumers()]).toEqual([['0'], ['sent'], []]);
    });

    it('stays among the consumers while something is its own', async () => {
      await rig.add(2);
      const group = rig.group({ consumer: 'one' });
      await group.take(2, 0);
      await group.close();
      expect([await rig.consumers(), await rig.pending()]).toEqual([['one'], 2]);
    });
  });

  it('is well again when what its work lacked is back, also where another one has done the work', async () => {
    await rig.add(1);
    const needsAreAway = () => true;
    const backOff = { firstMs: 50, mostMs: 50 };
    const one = rig.worker(() => Promise.reject(new Error('away')), { needsAreAway, backOff });
    await waitFor(() => one.lacksNeeds, { what: 'the first to lack something' });
    const done: string[] = [];
    rig.worker(collect(done));
    await rig.idle();
    await waitFor(() => !one.lacksNeeds, { what: 'the first to be well again' });
    expect(done).toEqual(['0']);
  });

  it('forgets consumers of processes that have ended, once nothing is theirs', async () => {
    await rig.add(1);
    await rig.taken(1, 'dead');
    const done: string[] = [];
    // The silence after which a consumer counts as gone is ten leases.
    rig.worker(collect(done), {}, { leaseMs: 40, consumer: 'alive' });
    await rig.idle();
    await waitFor(async () => !(await rig.consumers()).includes('dead'), { what: 'it to be forgotten' });
    expect(done).toEqual(['0']);
  });

  describe('data that is lost under a worker', () => {
    it.each([
      ['all of it', () => engine.redis.flushall()],
      ['the stream', () => engine.redis.del(KEY)],
      ['the group', () => engine.redis.xgroup('DESTROY', KEY, GROUP)],
    ])('%s: the group is made again, and what is added afterwards is done', async (_what, lose) => {
      const done: string[] = [];
      const perform = collect(done);
      rig.worker(perform);
      rig.worker(perform);
      await rig.add(30);
      await waitFor(() => done.length >= 5, { what: 'some to be done' });
      await lose();
      const names = await rig.add(30, 100);
      await rig.idle();
      expect(names.filter((name) => !done.includes(name))).toEqual([]);
      expect(await rig.dead()).toEqual([]);
    });

    it('a group that was lost does everything again, from the first entry that is kept', async () => {
      const names = await rig.add(10);
      const done: string[] = [];
      rig.worker(collect(done));
      await rig.idle();
      await engine.redis.xgroup('DESTROY', KEY, GROUP);
      await waitFor(() => done.length === 20, { what: 'all to be done again' });
      expect(done).toEqual([...names, ...names]);
    });

    it('what was being done when it was lost is nobody’s any more, and no dead letter', async () => {
      await rig.add(1);
      const group = rig.group();
      const [work] = await group.take(1, 0);
      if (!work) throw new Error('nothing was taken');
      await engine.redis.flushall();
      const settled = [
        await group.done(work),
        await group.retry(work, 'x', 1),
        await group.giveBack(work),
        await group.giveUp(work, 'x'),
      ];
      expect([settled, await engine.redis.exists(DEAD, KEY)]).toEqual([[false, false, false, false], 0]);
    });

    it('entries that were deleted or trimmed while somebody had them are done with', async () => {
      await rig.add(6);
      const [first, second] = await rig.taken(4);
      if (!first || !second) throw new Error('nothing was taken');
      await engine.redis.xdel(KEY, second.id);
      await engine.redis.xtrim(KEY, 'MINID', second.id);
      const done: string[] = [];
      rig.worker(collect(done), {}, { leaseMs: 50 });
      await rig.idle();
      expect([...done].sort()).toEqual(['2', '3', '4', '5']);
    });
  });

  describe('where it stands', () => {
    const position = async () => {
      const { lag, pending, length } = await rig.group().position();
      return { lag, pending, length };
    };

    it('is nothing for a stream that is not there, and all of it for a group that is not there', async () => {
      expect(await position()).toEqual({ lag: 0, pending: 0, length: 0 });
      await rig.add(3);
      expect(await position()).toEqual({ lag: 3, pending: 0, length: 3 });
    });

    it('is exact: what was not given, what was given and not settled, and the oldest of each', async () => {
      await rig.add(10);
      const ids = (await rig.client.xrange(KEY, '-', '+')).map(([id]) => id);
      const [first] = await rig.taken(4);
      if (first) await rig.group().done(first);
      const { lastGiven, oldestPending, oldestWaiting, oldest } = await rig.group().position();
      expect(await position()).toEqual({ lag: 6, pending: 3, length: 10 });
      expect([oldest, oldestPending, lastGiven, oldestWaiting]).toEqual([ids[0], ids[1], ids[3], ids[4]]);
    });

    it.each([
      [
        'an entry was deleted behind the last that was given',
        (ids: string[]) => engine.redis.xdel(KEY, ids[7] ?? ''),
        5,
      ],
      [
        'entries were trimmed before they were given',
        (ids: string[]) => engine.redis.xtrim(KEY, 'MINID', ids[8] ?? ''),
        2,
      ],
      [
        'it was moved to the middle',
        (ids: string[]) => engine.redis.xgroup('SETID', KEY, GROUP, ids[2] ?? ''),
        7,
      ],
    ])('is known where the server may not know it: %s', async (_what, change, lag) => {
      await rig.add(10);
      const ids = (await rig.client.xrange(KEY, '-', '+')).map(([id]) => id);
      await rig.taken(4);
      await change(ids);
      expect((await position()).lag).toBe(lag);
    });

    it('is found behind ids far in the future, which a clock that was wrong has left', async () => {
      await engine.redis.xadd(KEY, '9999999999999-0', 'n', 'far');
      const done: string[] = [];
      rig.worker(collect(done));
      await rig.add(2);
      await rig.idle();
      expect([done, await position()]).toEqual([['far', '0', '1'], { lag: 0, pending: 0, length: 3 }]);
    });
  });
});
