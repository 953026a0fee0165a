import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { SettleRetries } from './settle-retries.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('SettleRetries', () => {
  let clock: ManualClock;
  let retries: SettleRetries;
  let asked: string[];
  let away: boolean;

  beforeEach(() => {
    [clock, asked, away] = [new ManualClock(), [], false];
    retries = new SettleRetries(clock);
  });

  const add = (name: string, lifeMs = 60_000) =>
    retries.add({
      settle: () => {
        asked.push(name);
        return away ? Promise.reject(new Error('away')) : Promise.resolve();
      },
      untilMs: clock.monotonicMs() + lifeMs,
    });
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await turn();
  }

  it('tells what waits a moment later, in its order', async () => {
    add('a');
    add('b');
    expect(asked).toEqual([]);
    await pass(250);
    expect(asked).toEqual(['a', 'b']);
    expect(retries.size).toBe(0);
    await pass(60_000);
    expect(asked).toHaveLength(2);
  });

  it('asks one question at a time while Redis is away, at ever longer pauses of five seconds at most', async () => {
    away = true;
    add('a');
    add('b');
    const pauses = [250, 500, 1000, 2000, 4000, 5000, 5000];
    for (const [times, pauseMs] of pauses.entries()) {
      await pass(pauseMs - 1);
      expect(asked).toHaveLength(times);
      await pass(1);
      expect(asked).toEqual(Array.from({ length: times + 1 }, () => 'a'));
    }
    away = false;
    await pass(5000);
    expect(asked.slice(-2)).toEqual(['a', 'b']);
    add('c');
    await pass(250);
    expect(asked.at(-1)).toBe('c');
  });

  it('forgets what is not worth asking any more', async () => {
    add('a', 200);
    add('b');
    await pass(250);
    expect(asked).toEqual(['b']);
  });

  it('asks a last time when it is stopped, and takes nothing more', async () => {
    add('a');
    await retries.stop();
    add('b');
    await pass(60_000);
    expect(asked).toEqual(['a']);
  });

  it('ends when Redis is away at the end', async () => {
    away = true;
    add('a');
    await retries.stop();
    await pass(60_000);
    expect(asked).toEqual(['a']);
  });

  it('holds a bounded number, the newest', async () => {
    for (let n = 0; n <= 10_000; n += 1) add(`${n}`);
    expect(retries.size).toBe(10_000);
    await pass(250);
    expect(asked[0]).toBe('1');
  });
});
