import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { RedisUnavailableError, type UnavailableReason } from './redis.errors.js';
import { WriteProbe, WrongAnswerError } from './write-probe.js';

const INTERVAL_MS = 1000;
const RETRY_MS = 250;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const unavailable = (reason: UnavailableReason) =>
  new RedisUnavailableError({ purpose: 'rateLimit', reason, retryAfterMs: 1000, maybeExecuted: false });

describe('WriteProbe', () => {
  let clock: ManualClock;
  let writtenAtMs: number[];
  let events: string[];
  let answer: () => Promise<unknown>;
  let probe: WriteProbe;

  beforeEach(() => {
    clock = new ManualClock();
    writtenAtMs = [];
    events = [];
    answer = () => Promise.resolve('OK');
    probe = new WriteProbe({
      write: () => {
        writtenAtMs.push(clock.monotonicMs());
        return answer();
      },
      succeeded: (latencyMs) => events.push(`up after ${latencyMs}`),
      failed: (reason) => events.push(reason),
      intervalMs: INTERVAL_MS,
      clock,
    });
  });

  /** Moves on in small steps, with a turn of the event loop after each. */
  async function pass(ms: number, each: () => void = () => undefined): Promise<void> {
    await turn();
    for (let passedMs = 0; passedMs < ms; passedMs += 10) {
      clock.advance(10);
      each();
      await turn();
    }
  }

  /** Writes that are answered when told to. */
  function hold() {
    const held: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
    answer = () => new Promise((resolve, reject) => held.push({ resolve, reject }));
    return held;
  }

  it('does nothing before it is started', async () => {
    probe.soon();
    await pass(2 * INTERVAL_MS);
    expect(writtenAtMs).toEqual([]);
  });

  it('writes as soon as it is started, and then once per interval', async () => {
    probe.start();
    expect(writtenAtMs).toEqual([0]);
    await pass(3 * INTERVAL_MS);
    expect(writtenAtMs).toEqual([0, 1000, 2000, 3000]);
    expect(events).toEqual(['up after 0', 'up after 0', 'up after 0', 'up after 0']);
  });

  it('counts the interval from the answer, and tells how long that took', async () => {
    const held = hold();
    probe.start();
    await pass(400);
    held[0]?.resolve('OK');
    await pass(990);
    expect(writtenAtMs).toEqual([0]);
    await pass(10);
    expect(writtenAtMs).toEqual([0, 1400]);
    expect(events).toEqual(['up after 400']);
  });

  it('writes every 250 ms while it fails, and once per interval after the first success', async () => {
    answer = () => Promise.reject(unavailable('oom'));
    probe.start();
    await pass(500);
    expect(writtenAtMs).toEqual([0, 250, 500]);
    expect(events).toEqual(['oom', 'oom', 'oom']);
    answer = () => Promise.resolve('OK');
    await pass(1250);
    expect(writtenAtMs).toEqual([0, 250, 500, 750, 1750]);
  });

  it.each(['succeeds', 'fails'])('writes no more often when it %s and 1000 ask for it', async (how) => {
    if (how === 'fails') answer = () => Promise.reject(unavailable('readonly'));
    probe.start();
    await pass(1000, () => {
      for (let n = 0; n < 1000; n += 1) probe.soon();
    });
    expect(writtenAtMs).toEqual([0, 250, 500, 750, 1000]);
  });

  it('writes at once when asked 250 ms or more after the last write', async () => {
    probe.start();
    await pass(RETRY_MS + 50);
    probe.soon();
    expect(writtenAtMs).toEqual([0, 300]);
    await pass(INTERVAL_MS);
    expect(writtenAtMs).toEqual([0, 300, 1300]);
  });

  it('writes at once when started again, however short the last write is ago', async () => {
    probe.start();
    await pass(20);
    probe.stop();
    probe.start();
    expect(writtenAtMs).toEqual([0, 20]);
  });

  it('has one write on its way at most, whoever asks meanwhile', async () => {
    const held = hold();
    probe.start();
    await pass(600, () => probe.soon());
    expect(writtenAtMs).toEqual([0]);
    held[0]?.resolve('OK');
    await pass(INTERVAL_MS);
    expect(writtenAtMs).toEqual([0, 1600]);
  });

  it('stops', async () => {
    probe.start();
    await pass(100);
    probe.stop();
    probe.soon();
    await pass(2 * INTERVAL_MS);
    expect(writtenAtMs).toEqual([0]);
  });

  it.each(['success', 'failure'])('tells nothing of a %s that comes after it was stopped', async (how) => {
    const held = hold();
    probe.start();
    await pass(100);
    probe.stop();
    if (how === 'success') held[0]?.resolve('OK');
    else held[0]?.reject(unavailable('reset'));
    await pass(2 * INTERVAL_MS);
    expect(events).toEqual([]);
    expect(writtenAtMs).toEqual([0]);
  });

  it.each([
    ['the reason of an unavailable server', unavailable('misconf'), 'misconf'],
    ['"protocol" for a wrong answer', new WrongAnswerError(), 'protocol'],
    ['"other" for anything else', new Error('WRONGTYPE'), 'other'],
  ] as const)('gives %s', async (_, error, reason) => {
    answer = () => Promise.reject(error);
    probe.start();
    await pass(0);
    expect(events).toEqual([reason]);
  });

  it('takes a write that throws for a failed one', async () => {
    answer = () => {
      throw unavailable('dns');
    };
    probe.start();
    await pass(RETRY_MS);
    expect(events).toEqual(['dns', 'dns']);
  });
});
