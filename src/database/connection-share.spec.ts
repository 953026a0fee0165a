import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { ConnectionShare } from './connection-share.js';

function setUp(most: number) {
  const clock = new ManualClock();
  const share = new ConnectionShare(most, clock);
  const answers: string[] = [];
  const take = (name: string, waitMs = 100) =>
    void share.take(waitMs).then((got) => answers.push(`${name} ${got ? 'got' : 'none'}`));
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, share, answers, take, settle };
}

describe('ConnectionShare', () => {
  it('gives as many as there are, and no more', async () => {
    const { share, answers, take, settle } = setUp(2);
    ['a', 'b', 'c'].forEach((name) => take(name));
    await settle();
    expect([answers, share.inUse, share.waiting]).toEqual([['a got', 'b got'], 2, 1]);
  });

  it('hands over in the order in which they came', async () => {
    const { share, answers, take, settle } = setUp(1);
    ['a', 'b', 'c'].forEach((name) => take(name));
    share.giveBack();
    await settle();
    share.giveBack();
    await settle();
    expect([answers, share.inUse]).toEqual([['a got', 'b got', 'c got'], 1]);
  });

  it('lets nobody wait longer than told, and forgets who went', async () => {
    const { clock, share, answers, take, settle } = setUp(1);
    take('a');
    take('b', 100);
    clock.advance(99);
    await settle();
    expect(answers).toEqual(['a got']);
    clock.advance(1);
    await settle();
    expect([answers, share.waiting]).toEqual([['a got', 'b none'], 0]);
    share.giveBack();
    expect(share.inUse).toBe(0);
  });

  it('gives one that came back to nobody who has gone', async () => {
    const { clock, share, answers, take, settle } = setUp(1);
    take('a');
    take('b', 10);
    take('c', 1000);
    clock.advance(10);
    share.giveBack();
    await settle();
    expect([answers, share.inUse]).toEqual([['a got', 'b none', 'c got'], 1]);
  });

  it('sends everybody away when it is dismissed', async () => {
    const { share, answers, take, settle } = setUp(1);
    ['a', 'b', 'c'].forEach((name) => take(name));
    share.dismiss();
    await settle();
    expect([answers, share.waiting]).toEqual([['a got', 'b none', 'c none'], 0]);
  });
});
