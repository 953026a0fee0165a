import { type FamilyOptions, type Sample, type Series, SeriesFamily } from './series-family.js';

export interface HistogramOptions<L extends string> extends FamilyOptions<L> {
  /** Upper bounds, ascending, in the unit of what is observed. */
  readonly buckets: readonly number[];
}

/** A histogram whose observation costs a few nanoseconds; the exposition is prom-client's. */
export class HistogramSeries<L extends string> extends SeriesFamily<L, HistogramObserver> {
  readonly type = 'histogram';
  private readonly buckets: readonly number[];

  constructor(options: HistogramOptions<L>) {
    super(options);
    this.buckets = [...options.buckets];
  }

  protected create(): HistogramObserver {
    return new HistogramObserver(this.buckets);
  }
}

export class HistogramObserver implements Series {
  private readonly counts: Float64Array;
  private sum = 0;
  private count = 0;

  constructor(private readonly buckets: readonly number[]) {
    this.counts = new Float64Array(buckets.length);
  }

  /** Anything but a finite number is dropped: a NaN would spoil the sum for ever. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    this.sum += value;
    this.count += 1;
    const { buckets, counts } = this;
    // Linear on purpose: most values are latencies, which fall into the first buckets, and 15 comparisons beat a search.
    for (let i = 0; i < buckets.length; i++) {
      if (value <= (buckets[i] as number)) {
        (counts[i] as number)++;
        return;
      }
    }
  }

  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    let cumulative = 0;
    const bucket = (le: number | string, value: number): Sample => ({
      labels: { le, ...labels },
      value,
      metricName: `${name}_bucket`,
    });
    return [
      ...this.buckets.map((le, i) => bucket(le, (cumulative += this.counts[i] ?? 0))),
      bucket('+Inf', this.count),
      { labels, value: this.sum, metricName: `${name}_sum` },
      { labels, value: this.count, metricName: `${name}_count` },
    ];
  }

  clear(): void {
    this.counts.fill(0);
    this.sum = 0;
    this.count = 0;
  }
}
