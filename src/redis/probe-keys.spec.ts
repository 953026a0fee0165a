import { describe, expect, it } from 'vitest';
import type { CompartmentLane } from './compartment-lane.js';
import type { CompartmentLanes } from './compartment-lanes.js';
import { ProbeKeys } from './probe-keys.js';
import { WrongAnswerError } from './write-probe.js';

/** A lane on three servers, one key on each; a key is answered what stands there. */
function probeOf(answers: Record<string, Promise<unknown>>) {
  const dropped: (string | undefined)[] = [];
  const lane = {
    probeKeys: (base: string) => ['0', '1', '2'].map((n) => `${base}:${n}`),
    client: { set: (key: string) => answers[key] ?? Promise.resolve('OK') },
    drop: (_: string, key?: string) => void dropped.push(key),
  } as unknown as CompartmentLane;
  const lanes: Pick<CompartmentLanes, 'all' | 'beat' | 'of'> = {
    all: [lane],
    beat: () => undefined,
    of: () => lane,
  };
  return { probe: new ProbeKeys(lanes, 'st:p'), dropped };
}

describe('ProbeKeys', () => {
  it('is written when every server took it', async () => {
    await expect(probeOf({}).probe.write()).resolves.toBeUndefined();
  });

  it('fails with the first server that did not, whose connections alone are dropped', async () => {
    const { probe, dropped } = probeOf({ 'st:p:1': Promise.reject(new Error('NOAUTH')) });
    await expect(probe.write()).rejects.toThrow('NOAUTH');
    probe.dropFailed('auth');
    expect(dropped).toEqual(['st:p:1']);
  });

  it('takes an answer that is not OK for no write', async () => {
    const { probe, dropped } = probeOf({ 'st:p:2': Promise.resolve('PONG') });
    await expect(probe.write()).rejects.toThrow(WrongAnswerError);
    probe.dropFailed('protocol');
    expect(dropped).toEqual(['st:p:2']);
  });

  it('does not take what fails late for a failure of the next attempt', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise((_, reject) => (fail = reject));
    const answers: Record<string, Promise<unknown>> = {
      'st:p:0': Promise.reject(new Error('first')),
      'st:p:1': late,
    };
    const { probe, dropped } = probeOf(answers);
    await expect(probe.write()).rejects.toThrow('first');
    answers['st:p:1'] = Promise.resolve('OK');
    answers['st:p:0'] = Promise.resolve('OK');
    answers['st:p:2'] = new Promise((_, reject) => setImmediate(() => reject(new Error('second'))));
    const second = probe.write();
    fail(new Error('late'));
    await expect(second).rejects.toThrow('second');
    probe.dropFailed('auth');
    expect(dropped).toEqual(['st:p:2']);
  });
});
