import { describe, expect, it } from 'vitest';
import { HEARTBEAT_COMMENT, HEARTBEAT_EVENT } from './frame.js';
import { Rig, entryOf, range, streamServer } from './subscription.rig.js';

describe('Subscription', () => {
  const open = streamServer();

  it('takes what it missed from the ring in the turn in which it comes', async () => {
    const rig = new Rig();
    rig.both(1, 10);
    const { seen, numbers } = await open(rig, rig.cursorOf(4));
    rig.both(11, 12);
    await seen('"n":12');
    expect([numbers(), rig.pages]).toEqual([range(5, 12), 0]);
    expect(await rig.resumes('ring', 'exact')).toBe(1);
  });

  it('reads pages no further than the reader has come, and the rest from the ring: no gap, nothing twice', async () => {
    const rig = new Rig(8);
    rig.both(1, 1200);
    // Redis is ahead of the reader all the time.
    rig.append(1201, 1210);
    const { seen, numbers, text } = await open(rig, rig.cursorOf(3));
    await seen('"n":1200');
    rig.read(1201, 1210);
    rig.both(1211, 1215);
    await seen('"n":1215');
    expect(numbers()).toEqual(range(4, 1215));
    expect(text()).not.toContain('event: gap');
    expect(await rig.resumes('redis', 'exact')).toBe(1);
  });

  it('falls back to pages where the ring has moved on before its turn came', async () => {
    const rig = new Rig(10, 1);
    rig.both(1, 2);
    const streams = [await open(rig, 'now'), await open(rig, 'now'), await open(rig, 'now')];
    rig.append(3, 63);
    // All in one turn: the first is given its part at once, and the others wait for theirs.
    for (let n = 3; n <= 60; n += 3) rig.read(n, n + 2);
    rig.read(63, 63);
    for (const { seen, numbers } of streams) {
      await seen('"n":63');
      expect(numbers()).toEqual(range(3, 63));
    }
    expect(rig.pages).toBeGreaterThan(0);
  });

  it('waits for a reader that is behind its client, and tells nothing twice', async () => {
    const rig = new Rig();
    rig.both(1, 5);
    rig.append(6, 8);
    const { seen, numbers, text } = await open(rig, rig.cursorOf(7));
    rig.clock.advance(4999);
    rig.read(6, 8);
    await seen('"n":8');
    expect([numbers(), text().includes('gap')]).toEqual([[8], false]);
    expect(await rig.resumes('ahead', 'exact')).toBe(1);
  });

  it('tells a client that nobody catches up with after five seconds, and goes on from here', async () => {
    const rig = new Rig();
    rig.both(1, 5);
    const { seen, numbers } = await open(rig, { entryId: '999-0', sequence: 99 });
    rig.clock.advance(5000);
    await seen(/event: gap\ndata: \{"reason":"unknown"\}\n\nid: 50-0\.5\n\n/);
    rig.both(6, 6);
    await seen('"n":6');
    expect(numbers()).toEqual([6]);
    expect(await rig.resumes('ahead', 'gap')).toBe(1);
  });

  it('says exactly what is missing where a page begins later, or where there is nothing left', async () => {
    const rig = new Rig(4);
    rig.both(1, 40);
    rig.entries.splice(0, 30);
    const some = await open(rig, rig.cursorOf(12));
    await some.seen('"n":40');
    expect(some.text()).toContain(
      'data: {"reason":"trimmed","from":"120-0.12","oldest":"310-0.31","missed":18}',
    );
    expect(some.numbers()).toEqual(range(31, 40));

    const empty = new Rig(4);
    empty.sequence = 40;
    empty.position = '400-0';
    const none = await open(empty, empty.cursorOf(12));
    expect(await none.seen('"missed":28')).toContain('"oldest":null');
  });

  it('takes a cursor of somebody else as a place and nothing more', async () => {
    const rig = new Rig();
    rig.both(1, 10);
    const { seen, numbers } = await open(rig, { entryId: '65-0', sequence: 4000 });
    await seen('"n":10');
    expect(numbers()).toEqual(range(7, 10));
    expect(await seen('gap')).toContain('{"reason":"unknown"}');
  });

  it('stays open while pages cannot be read, and goes on when they can', async () => {
    const rig = new Rig(4);
    rig.both(1, 40);
    rig.away = true;
    const { seen, numbers } = await open(rig, rig.cursorOf(2));
    await expect.poll(() => rig.pages).toBe(1);
    rig.away = false;
    rig.both(41, 44);
    await expect
      .poll(() => {
        rig.clock.advance(1000);
        return rig.pages;
      })
      .toBeGreaterThan(1);
    await seen('"n":44');
    expect(numbers()).toEqual(range(3, 44));
  });

  it('ends with a word, once, whoever says so afterwards', async () => {
    const rig = new Rig();
    const { subscription, seen, text } = await open(rig, 'now');
    subscription.end('expired');
    subscription.end('drain');
    subscription.closed();
    await seen(/bye/);
    rig.both(1, 3);
    expect(text().match(/bye/g)).toHaveLength(1);
    expect(text()).toContain('{"reason":"expired"}');
    const closed = (await rig.metrics.billingSseClosed.get()).values.filter(({ value }) => value > 0);
    expect(closed.map(({ labels }) => labels.reason)).toEqual(['expired']);
  });

  it('says the cursor and the heartbeat to a client whose filter lets nothing through', async () => {
    const rig = new Rig();
    const { subscription, seen } = await open(rig, 'now', { types: 'customer.*' });
    rig.both(1, 3);
    subscription.beat(HEARTBEAT_EVENT, 30_000);
    await seen(/id: 30-0\.3\n\nevent: heartbeat\n/);
    subscription.beat(HEARTBEAT_EVENT, 30_000);
    expect(await seen(/heartbeat[^]*heartbeat/)).toMatch(
      /^(?:(?!id: 30-0)[^])*id: 30-0(?:(?!id: 30-0)[^])*$/,
    );
  });

  it('goes past pages in which everything is somebody else’s', async () => {
    const rig = new Rig(2);
    rig.both(1, 1200);
    const foreign = 'e7a1c9d0-0000-4000-8000-000000000002';
    for (let n = 5; n <= 1190; n += 1) rig.entries[n - 1] = { ...entryOf(n), tenantId: foreign };
    const { seen, numbers, text } = await open(rig, rig.cursorOf(4));
    await seen('"n":1200');
    expect(numbers()).toEqual(range(1191, 1200));
    expect(text()).toContain('"missed":1186');
  });

  it(
    'keeps little for a client that takes nothing while it catches up, and drops it in time',
    { timeout: 30_000 },
    async () => {
      const rig = new Rig(2);
      rig.bytes = 8000;
      rig.both(1, 2000);
      const { subscription, socket, text, numbers, resume } = await open(rig, rig.cursorOf(0), {
        paused: true,
      });
      const other = await open(rig, rig.cursorOf(0), { paused: true });
      await expect.poll(() => socket.pendingBytes, { timeout: 10_000 }).toBeGreaterThan(0);
      await expect.poll(() => other.socket.pendingBytes, { timeout: 10_000 }).toBeGreaterThan(0);
      expect(socket.pendingBytes).toBeLessThan(160_000);
      rig.clock.advance(29_000);
      other.subscription.beat(HEARTBEAT_COMMENT, 30_000);
      expect(other.socket.closed).toBe(false);
      resume();
      // Sixteen megabytes: not for a pattern that is said in full where it fails.
      await expect.poll(() => text().includes('"n":2000'), { timeout: 20_000 }).toBe(true);
      expect(numbers()).toEqual(range(1, 2000));
      // Whenever it was that the kernel had no more room for the other one, it is over by now.
      rig.clock.advance(30_000);
      for (const one of [subscription, other.subscription]) one.beat(HEARTBEAT_COMMENT, 30_000);
      expect([socket.closed, other.socket.closed]).toEqual([false, true]);
    },
  );
});
