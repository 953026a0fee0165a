import { beforeEach, describe, expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '../kernel/manual-clock.js';
import { Heartbeat } from './heartbeat.js';

describe('Heartbeat', () => {
  let clock: ManualClock;
  let questions: { resolve: (value: unknown) => void; reject: (reason: unknown) => void }[];
  let silences: number;
  let heartbeat: Heartbeat;

  beforeEach(() => {
    clock = new ManualClock();
    questions = [];
    silences = 0;
    heartbeat = new Heartbeat({
      ask: () => {
        let resolve!: (value: unknown) => void;
        let reject!: (reason: unknown) => void;
        const promise = new Promise<unknown>((...settle) => ([resolve, reject] = settle));
        questions.push({ resolve, reject });
        return promise;
      },
      silent: () => (silences += 1),
      silenceMs: 500,
      clock,
    });
  });

  it('gives a connection up that does not answer in time', async () => {
    heartbeat.beat();
    clock.advance(499);
    await turn();
    expect(silences).toBe(0);
    clock.advance(1);
    await turn();
    expect(silences).toBe(1);
  });

  it.each(['resolve', 'reject'] as const)('takes any answer for a sign of life: %s', async (answer) => {
    heartbeat.beat();
    questions[0]?.[answer](new Error('NOPERM'));
    await turn();
    clock.advance(1000);
    await turn();
    expect(silences).toBe(0);
  });

  it('asks one question at a time, and again after the answer', async () => {
    heartbeat.beat();
    heartbeat.beat();
    expect(questions).toHaveLength(1);
    questions[0]?.resolve('');
    await turn();
    heartbeat.beat();
    expect(questions).toHaveLength(2);
  });
});
