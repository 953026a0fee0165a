import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import type { KeyedLimit } from './gcra.js';
import { MemoryBackend } from './memory-backend.js';

const DAY_US = 86_400_000_000;
const limit = (key: string, over: Partial<KeyedLimit> = {}): KeyedLimit => ({
  key,
  intervalUs: 1_000_000,
  burst: 10,
  cost: 1,
  ...over,
});

function setUp(maxKeys = 160) {
  const clock = new ManualClock();
  const evicted: number[] = [];
  const backend = new MemoryBackend({ clock, maxKeys, degraded: true, onEvicted: (n) => evicted.push(n) });
  const fill = async (count: number, over: Partial<KeyedLimit> = {}, name = 'k'): Promise<void> => {
    for (let at = 0; at < count; at += 1) await backend.spend([limit(`${name}${at}`, over)]);
  };
  return { clock, backend, evicted, fill };
}

describe('the in-process backend', () => {
  it('says that memory decided, and that this is less than promised', async () => {
    expect(await setUp().backend.spend([limit('k')])).toMatchObject({ backend: 'memory', degraded: true });
  });

  it('admits exactly the burst of 1,000 simultaneous checks', async () => {
    const { backend } = setUp();
    const row = limit('k', { burst: 100, intervalUs: DAY_US });
    const answers = await Promise.all(Array.from({ length: 1000 }, () => backend.spend([row])));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(100);
  });

  it('lets no double portion pass at the edge of a second: 100 and what comes back in 200 ms', async () => {
    const { backend, clock } = setUp();
    const row = limit('k', { burst: 100, intervalUs: 10_000 });
    const admitted = async (): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: 500 }, () => backend.spend([row])));
      return answers.filter(({ allowed }) => allowed).length;
    };
    clock.advance(900);
    expect(await admitted()).toBe(100);
    clock.advance(200);
    expect(await admitted()).toBe(20);
  });

  it('never holds more keys than it was given room for', async () => {
    const { backend, fill } = setUp(50);
    await fill(1000);
    expect(backend.size).toBeLessThanOrEqual(50);
  });

  it('drops keys that are full again before any that are in use, and does not call that forgetting', async () => {
    const { backend, clock, evicted, fill } = setUp(160);
    await fill(100, { intervalUs: 1000 }, 'short');
    await fill(60, { intervalUs: DAY_US }, 'long');
    clock.advance(2);
    await backend.spend([limit('new')]);
    expect(backend.size).toBe(61);
    expect(evicted).toEqual([]);
  });

  it('forgets the least spent keys first', async () => {
    const { backend, evicted, fill } = setUp(160);
    await fill(80, { cost: 9 }, 'much');
    await fill(80, { cost: 1 }, 'little');
    await backend.spend([limit('new')]);
    expect(evicted).toEqual([10]);
    expect((await backend.spend([limit('little0', { cost: 10 })])).allowed).toBe(true);
    for (let at = 0; at < 80; at += 1) {
      expect((await backend.spend([limit(`much${at}`, { cost: 2 })])).allowed).toBe(false);
    }
  });

  it('keeps whoever is denied while there is anything else to forget', async () => {
    const { backend, fill } = setUp(160);
    await fill(100, { burst: 1 }, 'denied');
    await fill(2000, { cost: 9 }, 'rotating');
    for (let at = 0; at < 100; at += 1) {
      expect((await backend.spend([limit(`denied${at}`, { burst: 1 })])).allowed).toBe(false);
    }
  });

  it('admits newcomers even when every key it holds is denied: filling it must not turn others away', async () => {
    const { backend, fill } = setUp(32);
    await fill(32, { burst: 1 }, 'denied');
    expect((await backend.spend([limit('new')])).allowed).toBe(true);
    expect(backend.size).toBeLessThanOrEqual(32);
  });

  it('takes no room for a denied check', async () => {
    const { backend } = setUp();
    await backend.spend([limit('a'), limit('b', { cost: 11 })]);
    expect(backend.size).toBe(0);
  });
});
