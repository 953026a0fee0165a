import { expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { InstanceCount } from './instance-count.js';

const BEAT_MS = 5_000;

/** `said.instances` is what Redis answers from then on. */
async function setUp() {
  const clock = new ManualClock();
  const said = { instances: 3 };
  const answer = () => Promise.resolve([said.instances, 0, 0, 0]);
  const count = new InstanceCount({
    client: { evalsha: answer, eval: answer, callBuffer: answer, zrem: () => Promise.resolve(1) },
    prefix: 'rl:{g}',
    clock,
    reachable: () => true,
    beaten: () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  await count.onApplicationBootstrap();
  const nextBeat = async () => {
    clock.advance(BEAT_MS);
    await new Promise((resolve) => setImmediate(resolve));
    return count.last;
  };
  return { said, count, nextBeat };
}

it('a Redis that comes and goes makes nobody believe that the others are gone', async () => {
  const { said, count, nextBeat } = await setUp();
  said.instances = 1;
  for (let at = 0; at < 10; at += 1) await count.rejoin();
  expect(count.last).toBe(3);
  expect([await nextBeat(), await nextBeat()]).toEqual([3, 3]);
  for (let at = 0; at < 10; at += 1) await count.rejoin();
  expect(count.last).toBe(3);
  expect(await nextBeat()).toBe(1);
});

it('a beat after the return shows at once that there are more, and that nobody is missing', async () => {
  const { said, count, nextBeat } = await setUp();
  said.instances = 1;
  expect([await nextBeat(), await nextBeat()]).toEqual([3, 3]);
  said.instances = 4;
  await count.rejoin();
  expect(count.last).toBe(4);
  said.instances = 1;
  expect([await nextBeat(), await nextBeat(), await nextBeat()]).toEqual([4, 4, 1]);
});
