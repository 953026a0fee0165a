import { type Sample, type Series, SeriesFamily } from './series-family.js';

/** A counter whose increment is one addition; the exposition is prom-client's. */
export class FastCounter<L extends string> extends SeriesFamily<L, CountSeries> {
  readonly type = 'counter';

  protected create(): CountSeries {
    return new CountSeries();
  }
}

export class CountSeries implements Series {
  private value = 0;

  /** @param by must not be negative: a counter that falls reads as a restart of the process */
  inc(by = 1): void {
    if (by >= 0) this.value += by;
  }

  samples(_name: string, labels: Readonly<Record<string, string>>): Sample[] {
    return [{ labels, value: this.value }];
  }

  clear(): void {
    this.value = 0;
  }
}
