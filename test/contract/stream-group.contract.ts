import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PermanentFailure, type StreamWork } from '../../src/queue/index.js';
import { waitFor } from '../support/wait-for.js';
import { DEAD, GROUP, KEY, QueueRig, nameOf } from './stream-group.rig.js';
import { withEngine } from './support/engine.js';

withEngine('Entries of a stream as work', (engine) => {
  let rig: QueueRig;
  beforeAll(async () => {
    rig = await QueueRig.open(engine);
  });
  afterEach(() => rig.rest());
  afterAll(() => rig.close());

  describe('an entry', () => {
    it('is done once, by whichever of three workers is given it', async () => {
      const names = await rig.add(90);
      const done: string[] = [];
      const perform = async (work: Parameters<typeof nameOf>[0]) => {
        done.push(nameOf(work));
        await new Promise((resolve) => setImmediate(resolve));
      };
      for (let worker = 0; worker < 3; worker += 1) rig.worker(perform, { atOnce: 8 });
      await rig.idle();
      expect([...done].sort()).toEqual([...names].sort());
      expect(rig.outcomes).toEqual(Array(90).fill('sent'));
    });

    it('that was there before the group is done too, and bytes in it arrive as they are', async () => {
      const bytes = Buffer.from([0xff, 0x00, 0x0a, 0xfe]);
      await engine.redis.xadd(KEY, '*', 'n', bytes);
      const seen: (Buffer | undefined)[] = [];
      rig.worker(({ fields }) => Promise.resolve(void seen.push(fields[1])));
      await rig.idle();
      expect(seen).toEqual([bytes]);
    });

    it('is found at a nudge, without waiting for the next look', async () => {
      const seen: string[] = [];
      const worker = rig.worker((work) => Promise.resolve(void seen.push(nameOf(work))), {
        pollMs: 3_600_000,
      });
      const made = () => rig.client.exists(KEY);
      await waitFor(made, { what: 'the first look, which makes stream and group' });
      await rig.add(1);
      worker.nudge();
      await waitFor(() => seen.length > 0, { what: 'the entry', timeoutMs: 10_000 });
      expect(seen).toEqual(['0']);
    });

    it('waits while as many are being done as may be', async () => {
      await rig.add(30);
      let [now, most] = [0, 0];
      const perform = async () => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
        now -= 1;
      };
      rig.worker(perform, { atOnce: 6, fewestAtOnce: 3 });
      await rig.idle();
      expect(most).toBeLessThanOrEqual(6);
      expect(most).toBeGreaterThan(1);
    });
  });

  describe('an entry that fails', () => {
    it('is delivered five times, then lies among the dead letters with its fields and the reason', async () => {
      const [entry] = [await rig.client.xadd(KEY, '*', 'n', 'poison', 'b', '2')];
      let performed = 0;
      rig.worker(
        () => {
          performed += 1;
          return Promise.reject(new Error('canary'));
        },
        { reasonOf: () => 'broken' },
      );
      await rig.idle();
      expect(performed).toBe(5);
      expect(await rig.dead()).toEqual([
        { entry, group: GROUP, reason: 'broken', deliveries: '5', n: 'poison', b: '2' },
      ]);
      expect(rig.outcomes).toEqual(['retried', 'retried', 'retried', 'retried', 'failed']);
    });

    it('does not stop the others, and is buried at once where trying again does not help', async () => {
      const names = await rig.add(40);
      const done: string[] = [];
      const perform = (work: Parameters<typeof nameOf>[0]) => {
        if (nameOf(work) === '3') return Promise.reject(new Error('poison'));
        if (nameOf(work) === '4') return Promise.reject(new PermanentFailure('foreign'));
        return Promise.resolve(void done.push(nameOf(work)));
      };
      rig.worker(perform, { atOnce: 4 });
      await rig.idle();
      expect([...done].sort()).toEqual(names.filter((n) => n !== '3' && n !== '4').sort());
      expect((await rig.dead()).map(({ n, reason, deliveries }) => [n, reason, deliveries])).toEqual([
        ['4', 'foreign', '1'],
        ['3', 'other', '5'],
      ]);
    });

    it('is left alone for the pause, by this worker and by others', async () => {
      await rig.add(1);
      let performed = 0;
      const perform = () => {
        performed += 1;
        return Promise.reject(new Error('no'));
      };
      const pause = { backOff: { firstMs: 50_000, mostMs: 50_000 }, random: () => 0.999 };
      rig.worker(perform, pause);
      await waitFor(() => performed === 1, { what: 'the first attempt' });
      await waitFor(() => rig.outcomes.length === 1, { what: 'the pause to be written down' });
      rig.worker(perform, pause);
      // Both look many times meanwhile.
      await rig.add(40, 1);
      await waitFor(() => performed === 41, { what: 'the others', timeoutMs: 15_000 });
      const [held] = (await rig.client.xpending(KEY, GROUP, '-', '+', 1)) as [
        [string, string, number, number],
      ];
      expect(held[3]).toBe(1);
    });

    it('has very many fields and is buried without them', async () => {
      const fields = Array.from({ length: 9000 }, (_, n) => [`f${n}`, '1']).flat();
      const entry = await engine.redis.xadd(KEY, '*', ...fields);
      rig.worker(() => Promise.reject(new PermanentFailure('foreign')));
      await rig.idle();
      expect(await rig.dead()).toEqual([{ entry, group: GROUP, reason: 'foreign', deliveries: '1' }]);
    });
  });

  describe('an entry whose worker is gone', () => {
    it('is taken over after the lease, page by page, and counts the delivery', async () => {
      await rig.add(50);
      expect(await rig.taken(50)).toHaveLength(50);
      const attempts: number[] = [];
      const perform = (work: { attempts: number }) => Promise.resolve(void attempts.push(work.attempts));
      rig.worker(perform, { atOnce: 7 }, { leaseMs: 200 });
      await rig.idle();
      expect(attempts).toEqual(Array(50).fill(2));
    });

    it('is not taken over before', async () => {
      await rig.add(3);
      await rig.taken(2);
      const done: string[] = [];
      rig.worker((work) => Promise.resolve(void done.push(nameOf(work))));
      await waitFor(() => done.length > 0, { what: 'the third' });
      // Taken over by nobody in many looks.
      for (let look = 0; look < 20; look += 1) expect(await rig.group().take(5, 0)).toEqual([]);
      expect([done, await rig.pending()]).toEqual([['2'], 2]);
    });

    it('is performed alone once two were given it: it may be what ended them', async () => {
      await rig.add(8);
      await rig.taken(8);
      await rig.group({ leaseMs: 0 }).take(8, 0);
      let now = 0;
      const crowds: number[] = [];
      const perform = async (work: Parameters<typeof nameOf>[0]) => {
        now += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (Number(nameOf(work)) < 100) crowds.push(now);
        now -= 1;
      };
      rig.worker(perform, { atOnce: 8 }, { leaseMs: 100 });
      // Nobody who has something else is given one.
      expect(await rig.group({ leaseMs: 0 }).take(8, 1)).toEqual([]);
      await rig.add(20, 100);
      await rig.idle();
      expect(crowds).toEqual(Array(8).fill(1));
      expect([rig.outcomes.length, await rig.dead()]).toEqual([28, []]);
    });

    it('is buried when it was given again and again and never settled', async () => {
      await rig.add(1);
      await rig.taken(1);
      for (let time = 0; time < 4; time += 1) await rig.group({ leaseMs: 0 }).take(1, 0);
      let performed = 0;
      rig.worker(() => Promise.resolve(void (performed += 1)), {}, { leaseMs: 0 });
      await rig.idle();
      expect(performed).toBe(0);
      expect(await rig.dead()).toMatchObject([{ reason: 'abandoned', deliveries: '6' }]);
    });

    it('is not settled any more by who was overtaken, except as done', async () => {
      await rig.add(1);
      const late = rig.group({ leaseMs: 0 });
      const [work] = await late.take(1, 0);
      if (!work) throw new Error('nothing was taken');
      const [again] = await rig.group({ leaseMs: 0 }).take(1, 0);
      expect(again).toMatchObject({ id: work.id, attempts: 2 });
      expect(await late.retry(work, 'x', 10)).toBe(false);
      expect(await late.giveBack(work)).toBe(false);
      expect(await late.giveUp(work, 'x')).toBe(false);
      expect(await rig.client.xlen(DEAD)).toBe(0);
      expect(await rig.pending()).toBe(1);
      expect(await late.done(work)).toBe(true);
      expect(await late.done(work)).toBe(false);
    });

    it('is settled with others of its turn, and each is told of itself', async () => {
      await rig.add(4);
      const group = rig.group();
      const taken = await group.take(4, 0);
      await group.done(taken[1] as StreamWork);
      expect(await Promise.all(taken.map((work) => group.done(work)))).toEqual([true, false, true, true]);
      expect(await rig.pending()).toBe(0);
    });
  });

  describe('what all work needs', () => {
    it('may be away: entries are given back uncounted until it is there', async () => {
      await rig.add(5);
      let away = true;
      const done: number[] = [];
      const worker = rig.worker(
        ({ attempts }) => {
          if (away) return Promise.reject(new Error('away'));
          done.push(attempts);
          return Promise.resolve();
        },
        { needsAreAway: () => away, maxAttempts: 2, backOff: { firstMs: 20, mostMs: 20 } },
      );
      await waitFor(() => rig.outcomes.length >= 30, { what: 'many attempts', timeoutMs: 15_000 });
      expect(new Set(rig.outcomes)).toEqual(new Set(['returned']));
      expect(worker.lacksNeeds).toBe(true);
      away = false;
      await rig.idle();
      expect([done, await rig.dead()]).toEqual([[1, 1, 1, 1, 1], []]);
      expect(worker.lacksNeeds).toBe(false);
    });
  });
});
