import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { FastCounter } from './fast-counter.js';
import { HistogramSeries } from './histogram-series.js';
import { LATENCY_BUCKETS_SECONDS } from './metric-factory.js';

const histogram = {
  name: 'answer_seconds',
  help: 'Time to answer.\nSecond line.',
  labelNames: ['purpose', 'context'] as const,
  buckets: LATENCY_BUCKETS_SECONDS,
};

describe('HistogramSeries', () => {
  it('is exposed exactly as prom-client’s Histogram fed with the same values', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const fast = new HistogramSeries(histogram).register(ours);
    const slow = new Histogram({ ...histogram, buckets: [...histogram.buckets], registers: [theirs] });
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (const purpose of ['rateLimit', 'quoted"\\name']) {
      const labels = { purpose, context: 'command' };
      const child = fast.child(labels);
      for (const value of [0, 0.0001, 0.0005, 5, 5.0001, 1e-9]) {
        child.observe(value);
        slow.observe(labels, value);
      }
      for (let i = 0; i < 500; i++) {
        const value = random() ** 8 * 10;
        child.observe(value);
        slow.observe(labels, value);
      }
    }
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  it('exposes a child that has observed nothing as zero', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const labels = { purpose: 'a', context: 'b' };
    new HistogramSeries(histogram).register(ours).child(labels);
    new Histogram({ ...histogram, buckets: [...histogram.buckets], registers: [theirs] }).zero(labels);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  it('gives the same child for the same labels and drops what is not a number', async () => {
    const registry = new Registry();
    const series = new HistogramSeries(histogram).register(registry);
    const child = series.child({ context: 'b', purpose: 'a' });
    expect(series.child({ purpose: 'a', context: 'b' })).toBe(child);
    child.observe(Number.NaN);
    child.observe(Number.POSITIVE_INFINITY);
    child.observe(1);
    expect(await registry.metrics()).toContain('answer_seconds_sum{purpose="a",context="b"} 1\n');
  });

  it('keeps held children valid over a reset', async () => {
    const registry = new Registry();
    const child = new HistogramSeries(histogram).register(registry).child({ purpose: 'a', context: 'b' });
    child.observe(1);
    registry.resetMetrics();
    child.observe(0.5);
    expect(await registry.metrics()).toContain('answer_seconds_sum{purpose="a",context="b"} 0.5\n');
  });
});

describe('FastCounter', () => {
  const counter = { name: 'calls_total', help: 'Calls.', labelNames: ['outcome'] as const };

  it('is exposed exactly as prom-client’s Counter', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const fast = new FastCounter(counter).register(ours);
    const slow = new Counter({ ...counter, registers: [theirs] });
    for (const outcome of ['ok', 'error', 'ok']) {
      fast.child({ outcome }).inc();
      slow.inc({ outcome });
    }
    fast.child({ outcome: 'ok' }).inc(3);
    slow.inc({ outcome: 'ok' }, 3);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  it('never falls', async () => {
    const registry = new Registry();
    const child = new FastCounter(counter).register(registry).child({ outcome: 'ok' });
    child.inc(2);
    child.inc(-1);
    child.inc(Number.NaN);
    expect(await registry.metrics()).toContain('calls_total{outcome="ok"} 2\n');
  });
});
