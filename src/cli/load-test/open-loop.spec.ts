import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { OpenLoop, type Pace, type Slot } from './open-loop.js';

/** Lets what promises have in store happen; no time passes. */
async function settle(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
}

class Rig {
  readonly clock = new ManualClock();
  readonly started: (Slot & { atMs: number })[] = [];
  private readonly answers: (() => void)[] = [];
  readonly loop: OpenLoop;

  constructor(pace: Partial<Pace> = {}) {
    const whole = { ratePerSecond: 10, count: 20, mostOpen: 100, graceMs: 1000, ...pace };
    this.loop = new OpenLoop(this.clock, whole, (slot) => {
      this.started.push({ ...slot, atMs: this.clock.monotonicMs() });
      return new Promise((resolve) => this.answers.push(resolve));
    });
  }

  async pass(ms: number): Promise<void> {
    for (let n = 0; n < ms; n += 1) {
      this.clock.advance(1);
      await settle();
    }
  }

  async answer(count = Infinity): Promise<void> {
    for (const resolve of this.answers.splice(0, count)) resolve();
    await settle();
  }
}

describe('The open loop', () => {
  it('starts each request at its own moment although none is answered', async () => {
    const rig = new Rig();
    const run = rig.loop.run();
    await rig.pass(1950);
    expect(rig.started.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 20 }, (_, n) => n * 100));
    expect(rig.started.every(({ plannedMs, atMs, held }) => plannedMs === atMs && !held)).toBe(true);
    await rig.answer();
    expect(await run).toBe(20);
  });

  it('spreads rates that do not divide a second without drifting', async () => {
    const rig = new Rig({ ratePerSecond: 1000 / 60, count: 1000, mostOpen: 2000 });
    const run = rig.loop.run();
    await rig.pass(60_000);
    await rig.answer();
    expect(await run).toBe(1000);
    const last = rig.started.at(-1);
    expect(last?.plannedMs).toBeCloseTo(59_940, 6);
    expect((last?.atMs ?? 0) - (last?.plannedMs ?? 0)).toBeLessThan(1);
  });

  it('catches up at once after it was kept from running, with the planned moments of before', async () => {
    const rig = new Rig();
    const run = rig.loop.run();
    // One jump: the timers run late, as after a pause of the process.
    const turn = rig.clock.monotonicMs.bind(rig.clock);
    let pausedMs = 0;
    rig.clock.monotonicMs = () => turn() + pausedMs;
    pausedMs = 950;
    await rig.pass(100);
    expect(rig.started.slice(1, 10).map(({ plannedMs }) => plannedMs)).toEqual(
      Array.from({ length: 9 }, (_, n) => (n + 1) * 100),
    );
    expect(new Set(rig.started.slice(1, 10).map(({ atMs }) => atMs)).size).toBe(1);
    await rig.pass(1900);
    await rig.answer();
    expect(await run).toBe(20);
  });

  it('holds requests back at the bound on open ones, keeps their planned moments and says so', async () => {
    const rig = new Rig({ mostOpen: 3 });
    const run = rig.loop.run();
    await rig.pass(950);
    expect(rig.started).toHaveLength(3);
    await rig.answer(1);
    expect(rig.started.at(-1)).toEqual({ index: 3, plannedMs: 300, held: true, atMs: 950 });
    for (let n = 0; n < 10; n += 1) await rig.answer();
    await rig.pass(150);
    expect(rig.started.at(-1)).toMatchObject({ index: 11, plannedMs: 1100, held: false, atMs: 1100 });
    for (let n = 0; n < 20; n += 1) {
      await rig.answer();
      await rig.pass(100);
    }
    expect(await run).toBe(20);
  });

  it('gives up what it could not start within the grace, and ends with the last answer', async () => {
    const rig = new Rig({ mostOpen: 2, graceMs: 500 });
    const run = rig.loop.run();
    await rig.pass(2500);
    await rig.answer(1);
    expect(rig.started).toHaveLength(2);
    await rig.answer();
    expect(await run).toBe(2);
  });

  it('starts nothing more once it is told to stop', async () => {
    const rig = new Rig();
    const stop = new AbortController();
    const run = rig.loop.run(stop.signal);
    await rig.pass(250);
    stop.abort();
    await rig.pass(500);
    await rig.answer();
    expect(await run).toBe(3);
  });

  it('loses no request that falls due between two looks at the clock', async () => {
    const rig = new Rig({ ratePerSecond: 130, count: 300, mostOpen: 1000 });
    const now = rig.clock.monotonicMs.bind(rig.clock);
    const after = rig.clock.after.bind(rig.clock);
    let readMs = 0;
    // As on a real machine: each look takes time, and timers of whole milliseconds fire a little early.
    rig.clock.monotonicMs = () => now() + (readMs += 0.07);
    rig.clock.after = (delayMs, run) => after(Math.floor(delayMs), run);
    const run = rig.loop.run();
    for (let n = 0; n < 2500; n += 1) {
      await rig.pass(1);
      await rig.answer();
    }
    expect(rig.started).toHaveLength(300);
    expect(await run).toBe(300);
  });

  it('ends at once with a signal that is given already', async () => {
    const rig = new Rig();
    expect(await rig.loop.run(AbortSignal.abort())).toBe(0);
    expect(rig.started).toEqual([]);
  });
});
