import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import type { PurposeRedis } from '../redis/index.js';
import { EpochMirror } from './epoch-mirror.js';
import { OwedEpochs } from './owed-epochs.js';

const userId = randomUUID();
const MINUTE_MS = 60_000;

/** Without SQL and without Redis: what the mirror says, and where somebody would have to be asked. */
function mirrorAlone() {
  const clock = new ManualClock();
  const owed = new OwedEpochs();
  const asked: string[] = [];
  const ask = (id: string): Promise<never> => {
    asked.push(id);
    return Promise.reject(new Error('SQL is not there'));
  };
  const mirror = new EpochMirror(
    {} as PurposeRedis<'authCache'>,
    { epochOf: ask, bumpEpoch: ask },
    clock,
    owed,
  );
  return { clock, owed, asked, mirror, text: (epoch: number) => `${epoch}:${clock.nowMs()}` };
}

describe('What a mirror of an epoch says', () => {
  it('holds without a question for a minute, and with one beside the request from then on', async () => {
    const { clock, asked, mirror, text } = mirrorAlone();
    const held = text(3);
    clock.advance(MINUTE_MS);
    expect(mirror.current(userId, held, 3)).toBe(3);
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(mirror.current(userId, held, 3)).toBe(3);
    expect(asked).toEqual([userId]);
    clock.advance(4 * MINUTE_MS);
    await expect(mirror.current(userId, held, 3)).rejects.toThrow('SQL is not there');
  });

  it('holds for a token that is older than it, which has ended', () => {
    const { asked, mirror, text } = mirrorAlone();
    expect(mirror.current(userId, text(3), 2)).toBe(3);
    expect(asked).toEqual([]);
  });

  it.each([
    ['nothing', null],
    ['no number', 'x:1'],
    ['no moment', '3'],
    ['a number that is none to JavaScript', `${'9'.repeat(30)}:1`],
  ])('does not hold where it is %s', async (_, held) => {
    const { mirror } = mirrorAlone();
    await expect(mirror.current(userId, held, 3)).rejects.toThrow('SQL is not there');
  });

  it('does not hold against a token that is newer', async () => {
    const { mirror, text } = mirrorAlone();
    await expect(mirror.current(userId, text(2), 3)).rejects.toThrow('SQL is not there');
  });

  it('does not hold for whom this process owes it a newer one, and does for all others', async () => {
    const { mirror, owed, text } = mirrorAlone();
    owed.add(userId, 4);
    await expect(mirror.current(userId, text(3), 3)).rejects.toThrow('SQL is not there');
    expect(mirror.current(randomUUID(), text(3), 3)).toBe(3);
    owed.settle(userId, 4);
    expect(mirror.current(userId, text(3), 3)).toBe(3);
  });
});

describe('Owed epochs', () => {
  it('are the largest of each user, until the mirror has it', () => {
    const owed = new OwedEpochs();
    for (const epoch of [2, 5, 3]) owed.add(userId, epoch);
    expect(owed.all()).toEqual([[userId, 5]]);
    owed.settle(userId, 4);
    expect(owed.of(userId)).toBe(5);
    owed.settle(userId, 6);
    expect([owed.of(userId), owed.all()]).toEqual([0, []]);
  });

  it('are remembered of ten thousand users', () => {
    const owed = new OwedEpochs();
    for (let user = 0; user < 10_050; user += 1) owed.add(String(user), 2);
    owed.add('7', 3);
    expect([owed.all().length, owed.of('7'), owed.of('10049')]).toEqual([10_000, 3, 0]);
  });
});
