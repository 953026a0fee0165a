import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { type Naming, PrimaryMemory, SPREADING_MS } from './primary-memory.js';

const A = { host: 'a', port: 1 };
const B = { host: 'b', port: 2 };
const C = { host: 'c', port: 3 };
const silent: Naming = { epoch: 0 };
const a = (epoch: number): Naming => ({ primary: A, epoch });
const b = (epoch: number): Naming => ({ primary: B, epoch });

describe('PrimaryMemory', () => {
  let clock: ManualClock;
  let memory: PrimaryMemory;
  beforeEach(() => {
    clock = new ManualClock();
    memory = new PrimaryMemory(clock);
  });

  it('begins with the highest epoch', () => {
    expect(memory.judge([a(1), silent, b(2)])?.primary).toBe(B);
    expect(memory.judge([silent])).toBeUndefined();
  });

  describe('that knows B at epoch 5, long ago,', () => {
    beforeEach(() => {
      memory.learn({ primary: B, epoch: 5 });
      clock.advance(SPREADING_MS);
    });

    it.each<[title: string, answers: Naming[], believed: string | undefined]>([
      ['a higher epoch from one', [a(6), b(5), b(5)], 'a'],
      ['what it knows', [b(5), silent, silent], 'b'],
      ['what it knows before another one at the same epoch', [a(5), b(5), silent], 'b'],
      ['nobody where one of three tells of the past', [a(4), silent, silent], undefined],
      ['the one who knows where two tell of the past', [a(4), a(4), b(5)], 'b'],
      ['the majority where it leads back', [a(0), a(0), silent], 'a'],
      ['the majority at the same epoch', [a(5), a(5), silent], 'a'],
      ['no half', [a(4), silent], undefined],
      ['one of the past who names the same primary', [a(4), b(3), silent], 'b'],
    ])('believes %s', (_, answers, believed) => {
      expect(memory.judge(answers)?.primary?.host).toBe(believed);
    });

    it('forgets no epoch for one of the past who names the same primary', () => {
      memory.learn({ primary: B, epoch: 3 });
      expect(memory.judge([a(4), silent, silent])).toBeUndefined();
    });

    it('says whether it learns of another one', () => {
      expect([memory.learn({ primary: B, epoch: 6 }), memory.learn({ primary: A, epoch: 7 })]).toEqual([
        false,
        true,
      ]);
    });

    it('holds an announcement against the epoch of before, until most have had the time to hear of it', () => {
      memory.announced(C);
      expect(memory.judge([b(5), b(5), silent])).toBeUndefined();
      expect(memory.judge([b(6), silent, silent])).toBeUndefined();
      expect(memory.judge([b(5), b(5), { primary: C, epoch: 6 }])?.primary).toBe(C);
      clock.advance(SPREADING_MS);
      expect(memory.judge([b(5), b(5), silent])?.primary).toBe(B);
    });
  });
});
