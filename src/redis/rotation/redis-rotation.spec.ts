import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { AccessKeeper } from '../live-access.js';
import { RotationSchedule } from './redis-rotation.js';

function rig() {
  const clock = new ManualClock();
  const said: string[] = [];
  const looks: string[] = [];
  const state = { changed: false, hanging: '' };
  const keeper = (name: string): AccessKeeper => ({
    prepare: () => Promise.resolve(),
    accepted: () => undefined,
    refused: () => undefined,
    seeking: false,
    look: (force = false) => {
      looks.push(force ? `${name}!` : name);
      return state.hanging === name ? new Promise(() => undefined) : Promise.resolve(state.changed);
    },
    stop: () => undefined,
  });
  const keepers = [keeper('a'), keeper('b')];
  const logger = { log: (text: string) => said.push(text), warn: () => undefined };
  const schedule = new RotationSchedule({ keepers: () => keepers, checkMs: 5000, clock, logger });
  return { clock, said, looks, state, schedule };
}

const NOTHING_NEW = 'Looked at all credentials and certificates: nothing has changed';

describe('The schedule', () => {
  it('looks at every purpose again and again, a pause after the last look', async () => {
    const { clock, looks, schedule, said } = rig();
    schedule.start();
    clock.advance(4999);
    expect(looks).toEqual([]);
    for (const times of [1, 2, 3]) {
      clock.advance(times === 1 ? 1 : 5000);
      await turn();
      expect(looks).toEqual(Array.from({ length: times }, () => ['a', 'b']).flat());
    }
    expect(said).toEqual([]);
  });

  it('goes on with the others when one look does not end', async () => {
    const { clock, looks, schedule, state } = rig();
    state.hanging = 'a';
    schedule.start();
    for (let times = 0; times < 3; times += 1) {
      clock.advance(5000);
      await turn();
    }
    expect(looks).toEqual(['a', 'b', 'b', 'b']);
  });

  it('is asked for a look at once, and says when it found nothing', async () => {
    const { clock, looks, schedule, said, state } = rig();
    state.changed = true;
    await schedule.now();
    expect(said).toEqual([]);
    state.changed = false;
    clock.advance(1000);
    await schedule.now();
    expect(said).toEqual([NOTHING_NEW]);
    expect(looks).toEqual(['a!', 'b!', 'a!', 'b!']);
  });

  it('that is asked a thousand times in a second looks twice', async () => {
    const { clock, looks, schedule, said } = rig();
    const answers: Promise<void>[] = [];
    for (let times = 0; times < 1000; times += 1) {
      answers.push(schedule.now());
      await turn();
      clock.advance(0.99);
    }
    expect(looks).toHaveLength(2);
    clock.advance(1000);
    await Promise.all(answers);
    expect(looks).toHaveLength(4);
    expect(said).toEqual([NOTHING_NEW, NOTHING_NEW]);
    clock.advance(60_000);
    await turn();
    expect(looks).toHaveLength(4);
  });

  it('that is asked during a look looks once more, since what is new may have been missed', async () => {
    const { clock, looks, schedule, state, said } = rig();
    state.hanging = 'a';
    const first = schedule.now();
    await turn();
    const second = schedule.now();
    expect(schedule.now()).toBe(second);
    state.hanging = '';
    clock.advance(20_000);
    await first;
    expect(said, 'nobody knows').toEqual([]);
    await turn();
    clock.advance(1000);
    await second;
    expect(looks).toEqual(['a!', 'b!', 'a!', 'b!']);
    expect(said).toEqual([NOTHING_NEW]);
  });

  it('looks no more when it is stopped', async () => {
    const { clock, looks, schedule } = rig();
    await schedule.now();
    schedule.start();
    const waiting = schedule.now();
    await turn();
    schedule.stop();
    await waiting;
    schedule.start();
    clock.advance(60_000);
    await schedule.now();
    expect(looks).toEqual(['a!', 'b!']);
  });
});
