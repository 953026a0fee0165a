import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Metrics } from '../../telemetry/index.js';
import { HashQueue, LONGEST_WAIT_MS, MOST_WAITING } from './hash-queue.js';
import { PasswordSettings } from './password.config.js';
import { OverloadedError } from './password.errors.js';

function open(concurrency: number) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const queue = new HashQueue(Object.assign(new PasswordSettings(), { concurrency }), clock, metrics);
  /** Ends of the works that have begun, in order. */
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const enter = (name: string) =>
    queue.run(async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      return name;
    });
  const gauges = async () => {
    const running = await metrics.passwordHashesRunning.get();
    const waiting = await metrics.passwordHashesWaiting.get();
    return [running.values[0]?.value, waiting.values[0]?.value];
  };
  const refusals = async () => {
    const { values } = await metrics.passwordHashRefusals.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.reason, value]));
  };
  return { clock, enter, begun, ends, gauges, refusals, queue };
}

/** Lets what is settled run on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('The hash queue', () => {
  it('runs as many at once as it may, and the others in order of arrival', async () => {
    const { enter, begun, ends, gauges } = open(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => enter(name));
    await turn();
    expect(begun).toEqual(['a', 'b']);
    expect(await gauges()).toEqual([2, 2]);
    ends.shift()?.();
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(await gauges()).toEqual([2, 1]);
    for (let left = 3; left > 0; left -= 1) {
      ends.shift()?.();
      await turn();
    }
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
    expect(await gauges()).toEqual([0, 0]);
  });

  it('refuses at once when 32 wait', async () => {
    const { enter, ends, refusals } = open(1);
    const taken = Array.from({ length: 1 + MOST_WAITING }, (_, at) => enter(String(at)));
    await expect(enter('one too many')).rejects.toMatchObject({
      status: 503,
      slug: 'overloaded',
      retryAfterMs: LONGEST_WAIT_MS,
    });
    expect(await refusals()).toEqual({ full: 1 });
    for (let left = taken.length; left > 0; left -= 1) {
      await turn();
      ends.shift()?.();
    }
    expect(await Promise.all(taken)).toHaveLength(33);
  });

  it('refuses what has waited for two seconds, and never begins it', async () => {
    const { clock, enter, begun, ends, gauges, refusals } = open(1);
    const first = enter('first');
    const second = enter('second');
    const refusal = second.catch((error: unknown) => error);
    clock.advance(LONGEST_WAIT_MS - 1);
    expect(await gauges()).toEqual([1, 1]);
    clock.advance(1);
    expect(await refusal).toBeInstanceOf(OverloadedError);
    expect(await gauges()).toEqual([1, 0]);
    expect(await refusals()).toEqual({ timeout: 1 });
    ends.shift()?.();
    await first;
    expect(begun).toEqual(['first']);
  });

  it('waits no more once it has begun', async () => {
    const { clock, enter, ends } = open(1);
    const first = enter('first');
    const second = enter('second');
    await turn();
    clock.advance(LONGEST_WAIT_MS - 1);
    ends.shift()?.();
    await first;
    await turn();
    clock.advance(LONGEST_WAIT_MS);
    ends.shift()?.();
    expect(await second).toBe('second');
  });

  it('gives the place of a work that failed to the next', async () => {
    const { queue, gauges } = open(1);
    const broken = queue.run(() => Promise.reject(new Error('broken')));
    const thrown = queue.run(() => {
      throw new Error('thrown');
    });
    const next = queue.run(() => Promise.resolve('next'));
    await expect(broken).rejects.toThrow('broken');
    await expect(thrown).rejects.toThrow('thrown');
    expect(await next).toBe('next');
    expect(await gauges()).toEqual([0, 0]);
  });
});
