import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SessionCheck, Sessions } from '../../access/index.js';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Metrics } from '../../telemetry/index.js';
import { AwaitedEntries } from './awaited-entries.js';
import { Heartbeat } from './heartbeat.js';
import type { OpenStream } from './open-stream.js';
import type { BillingStreamSettings } from './stream.config.js';
import { StreamMetrics } from './stream-metrics.js';
import { StreamTiming } from './stream-timing.js';

/** What was put off to further turns of the event loop. */
const turns = async (count = 40) => {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

function rig(slice = 64) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const ended = new Set<string>();
  let failing = false;
  const sessions = {
    check: (_userId: string, sessionId: string): Promise<SessionCheck> => {
      asked.push(sessionId);
      if (failing) return Promise.reject(new Error('authCache is away'));
      return Promise.resolve(
        ended.has(sessionId)
          ? { live: false, reason: 'unknown-session' }
          : { live: true, lastSeenAtMs: 0, familyId: 'f' },
      );
    },
  } as unknown as Sessions;
  const metrics = new Metrics();
  const settings = { heartbeatMs: 16_000, slice } as BillingStreamSettings;
  const heartbeat = new Heartbeat(sessions, settings, new StreamMetrics(metrics), clock);
  const open = (sessionId: string = randomUUID()) => {
    const log: string[] = [];
    const stream: OpenStream = {
      identity: { userId: 'u', tenantId: 't', role: 'owner', sessionId, epoch: 1, endsAtMs: 0 },
      pendingBytes: 3,
      beat: () => void log.push('beat'),
      end: (reason) => void log.push(reason),
    };
    heartbeat.add(stream);
    return { stream, log, sessionId };
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(1000);
      await turns();
    }
  };
  return { clock, metrics, heartbeat, asked, ended, open, pass, fail: (on: boolean) => (failing = on) };
}

describe('Heartbeat', () => {
  it('writes to every stream once in its time, and looks at every session once', async () => {
    const { open, pass, asked } = rig(1);
    const alone = Array.from({ length: 100 }, () => open());
    const shared = ['one', 'one', 'one'].map((id) => open(id));
    await pass(16_000);
    expect([...alone, ...shared].every(({ log }) => log.join() === 'beat')).toBe(true);
    expect([asked.length, new Set(asked).size]).toEqual([101, 101]);
    await pass(16_000);
    expect(shared.map(({ log }) => log.length)).toEqual([2, 2, 2]);
  });

  it('spreads the streams over its time', async () => {
    const { open, clock } = rig();
    const streams = Array.from({ length: 400 }, () => open());
    const done = () => streams.filter(({ log }) => log.length > 0).length;
    for (let share = 1; share <= 16; share += 1) {
      const before = done();
      clock.advance(1000);
      await turns();
      expect(done() - before).toBeLessThan(100);
    }
    expect(done()).toBe(400);
  });

  it('ends all streams of a session that has ended, within a heartbeat', async () => {
    const { open, pass, ended } = rig();
    const mine = [open('mine'), open('mine')];
    const other = open('other');
    await pass(16_000);
    ended.add('mine');
    await pass(16_000);
    expect(mine.every(({ log }) => log.includes('revoked'))).toBe(true);
    expect(other.log).toEqual(['beat', 'beat']);
  });

  it('ends nothing while nobody can say', async () => {
    const { open, pass, fail } = rig();
    const { log } = open();
    fail(true);
    await pass(48_000);
    expect(log).toEqual(['beat', 'beat', 'beat']);
  });

  it('adds up what clients have not taken, and rests without streams', async () => {
    const { open, pass, metrics, heartbeat, asked } = rig();
    const streams = Array.from({ length: 10 }, () => open());
    const pending = async () => (await metrics.billingSsePendingBytes.get()).values[0]?.value;
    await pass(16_000);
    expect(await pending()).toBe(30);
    for (const { stream } of streams) heartbeat.remove(stream);
    expect(await pending()).toBe(0);
    const before = asked.length;
    await pass(32_000);
    expect(asked.length).toBe(before);
  });
});

describe('StreamTiming', () => {
  const ends = (endsInMs: number, maxAgeMs: number, beatMs: number) => {
    const clock = new ManualClock();
    const timing = new StreamTiming(clock, clock.nowMs() + endsInMs, maxAgeMs);
    const log: [string, number][] = [];
    const look = (): void => {
      timing.watch(beatMs, (reason) => log.push([reason, clock.monotonicMs()]));
      clock.after(beatMs, look);
    };
    look();
    clock.advance(3_600_000);
    return log;
  };

  it('ends a stream at the very moment its token expires', () => {
    expect(ends(95_123, 1e9, 15_000)).toEqual([['expired', 95_123]]);
    expect(ends(3000, 1e9, 15_000)).toEqual([['expired', 3000]]);
    expect(ends(-5, 1e9, 15_000)).toEqual([['expired', 0]]);
  });

  it('ends it after ten minutes, give or take two', () => {
    const moments = Array.from({ length: 200 }, () => ends(1e9, 600_000, 15_000)[0]);
    expect(moments.every((one) => one?.[0] === 'age')).toBe(true);
    const ms = moments.map((one) => one?.[1] ?? 0);
    expect(Math.min(...ms)).toBeGreaterThanOrEqual(480_000);
    expect(Math.max(...ms)).toBeLessThanOrEqual(720_000);
    expect(Math.max(...ms) - Math.min(...ms)).toBeGreaterThan(120_000);
  });

  it('ends nothing that has ended before', () => {
    const clock = new ManualClock();
    const timing = new StreamTiming(clock, clock.nowMs() + 5000, 1e9);
    let ended = 0;
    timing.watch(15_000, () => (ended += 1));
    timing.cancel();
    clock.advance(10_000);
    expect(ended).toBe(0);
  });
});

describe('AwaitedEntries', () => {
  it('tell when the log has come so far, or that it did not in five seconds', () => {
    const clock = new ManualClock();
    const awaited = new AwaitedEntries(clock);
    const told: string[] = [];
    awaited.add('10-0', (reached) => told.push(`10 ${reached}`));
    awaited.add('20-0', (reached) => told.push(`20 ${reached}`));
    const leave = awaited.add('15-0', () => told.push('never'));
    awaited.reached('9-9');
    awaited.reached('10-0');
    expect(told).toEqual(['10 true']);
    leave();
    awaited.reached('16-0');
    clock.advance(5000);
    expect([told, awaited.size]).toEqual([['10 true', '20 false'], 0]);
  });
});
