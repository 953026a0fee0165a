import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FastCounter } from './fast-counter.js';
import { HistogramSeries } from './histogram-series.js';

/** Seconds. From a tenth of a millisecond: a Redis command on a local network takes two to five of them. */
export const LATENCY_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** Makes metrics on a registry of its own. All of the application are declared in Metrics. */
export abstract class MetricFactory {
  readonly registry = new Registry();
  private readonly readers: (() => Promise<void>)[] = [];

  /** For gauges whose value takes a question. @param read before each scrape, which waits for it: bounded, throws nothing */
  onScrape(read: () => Promise<void>): void {
    this.readers.push(read);
  }

  /** All metrics as text, with what has to be asked for. */
  async scrape(): Promise<string> {
    await Promise.all(this.readers.map((read) => read()));
    return this.registry.metrics();
  }

  protected counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  /** For what happens once a request or more: callers keep `child(labels)`. */
  protected fastCounter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): FastCounter<L> {
    return new FastCounter({ name, help, labelNames }).register(this.registry);
  }

  protected gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  protected histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    return new Histogram({
      name,
      help,
      labelNames,
      registers: [this.registry],
      buckets: LATENCY_BUCKETS_SECONDS,
    });
  }

  /** As `fastCounter`. */
  protected fastHistogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[] = LATENCY_BUCKETS_SECONDS,
  ): HistogramSeries<L> {
    return new HistogramSeries({ name, help, labelNames, buckets }).register(this.registry);
  }
}
