import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { clientsFor } from './clients.js';
import type { Answer, Page } from './http-driver.js';
import { runStep } from './run-step.js';

const COUNTER = 'rate_limit_decisions_total{policy="default",state="allow",backend="redis"}';

/** A server with a counter of its own, whose answers take as long as it is told. */
class FakeTarget {
  readonly clock = new ManualClock();
  readonly sources: (string | undefined)[] = [];
  private decisions = 5;

  constructor(
    private readonly answerMs: number,
    private readonly metrics?: () => Page,
  ) {}

  send(_path: string, source?: string): Promise<Answer> {
    this.sources.push(source);
    this.decisions += 1;
    return new Promise((resolve) => this.clock.after(this.answerMs, () => resolve({ status: 200 })));
  }

  page(): Promise<Page> {
    if (this.metrics) return Promise.resolve().then(this.metrics);
    return Promise.resolve({ status: 200, headers: {}, body: `${COUNTER} ${this.decisions}\n` });
  }

  async hold(ratePerSecond: number, durationSeconds: number, stop = new AbortController()) {
    const clients = clientsFor(ratePerSecond, 300, true);
    const step = { path: '/v1/isolation', ratePerSecond, durationSeconds, clients };
    let over = false;
    const run = runStep(step, { driver: this, clock: this.clock, signal: stop.signal }).finally(() => {
      over = true;
    });
    while (!over) {
      for (let n = 0; n < 20; n += 1) await Promise.resolve();
      this.clock.advance(1);
    }
    return run;
  }
}

describe('One step of a load test', () => {
  it('counts what was sent, from whom, how long it took and who decided', async () => {
    const target = new FakeTarget(30);
    const { tally, decisions, elapsedSeconds, aborted } = await target.hold(50, 2);
    expect(tally.counts()).toMatchObject({ requests: 100, good: 100, unanswered: 0 });
    // Up to a millisecond more: time moves in steps of one here.
    expect(tally.latency.percentileMs(50)).toBeGreaterThanOrEqual(30);
    expect(tally.latency.maxMs).toBeLessThanOrEqual(31);
    expect(tally.startDelay.count).toBe(100);
    expect(new Set(target.sources).size).toBe(13);
    expect(decisions).toEqual({ byBackend: { redis: 100 } });
    expect(elapsedSeconds).toBeCloseTo(2.01, 2);
    expect(aborted).toBe(false);
  });

  it('lets a server that hangs pay for the requests that it kept from being started', async () => {
    const { tally } = await new FakeTarget(60_000).hold(1000, 2);
    expect(tally.counts()).toMatchObject({ requests: 2000, good: 512, unanswered: 1488 });
    expect(Object.fromEntries(tally.failures)).toEqual({ NEVER_STARTED: 1488 });
    expect(tally.latency.count).toBe(2000);
    expect(tally.latency.percentileMs(1)).toBeGreaterThan(57_000);
    // Held back, so not the fault of the driver.
    expect(tally.startDelay.count).toBe(512);
  });

  it('is aborted by the signal, and invents no failures for what it did not send', async () => {
    const stop = new AbortController();
    const target = new FakeTarget(5);
    target.clock.after(500, () => stop.abort());
    const { tally, aborted } = await target.hold(10, 60, stop);
    expect(aborted).toBe(true);
    expect(tally.counts()).toMatchObject({ requests: 5, unanswered: 0 });
  });

  it.each<[string, () => Page, string]>([
    [
      'refused',
      () => ({ status: 401, headers: {}, body: '' }),
      '/metrics answers 401; set OPS_TOKEN to the token of that deployment',
    ],
    ['absent', () => ({ status: 404, headers: {}, body: '' }), '/metrics answers 404'],
    [
      'empty of decisions',
      () => ({ status: 200, headers: {}, body: 'up 1\n' }),
      'the target counts no rate-limit decisions at /metrics',
    ],
    [
      'out of reach',
      () => {
        throw new Error('TIMEOUT');
      },
      '/metrics cannot be read (TIMEOUT)',
    ],
  ])('proves no backend where /metrics is %s', async (_, metrics, unprovable) => {
    expect((await new FakeTarget(1, metrics).hold(10, 1)).decisions).toEqual({ unprovable });
  });
});
