import type { Histogram, Registry } from 'prom-client';

/** One value for every label name. */
export type LabelValues<L extends string> = Readonly<Record<L, string>>;

export interface FamilyOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** What is counted for one combination of labels. */
export interface Series {
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[];
  clear(): void;
}

interface Branch<S> {
  series?: S;
  readonly next: Map<string, Branch<S>>;
}

/**
 * A metric that prom-client's registry can expose, for paths where prom-client itself is too slow: it hashes
 * and checks the labels at every observation. Here a caller asks for its series once, by labels, and keeps it.
 */
export abstract class SeriesFamily<L extends string, S extends Series> {
  abstract readonly type: 'counter' | 'histogram';
  readonly name: string;
  readonly help: string;
  private readonly labelNames: readonly L[];
  private readonly children: { readonly labels: LabelValues<L>; readonly series: S }[] = [];
  /** By one label value after the other: a key of all of them would be made anew each time. */
  private readonly root: Branch<S> = { next: new Map() };

  constructor(options: FamilyOptions<L>) {
    this.name = options.name;
    this.help = options.help;
    this.labelNames = options.labelNames;
  }

  protected abstract create(): S;

  /** The series of these labels, exposed with zero from now on; the same object for the same labels. */
  child(labels: LabelValues<L>): S {
    let branch = this.root;
    for (const name of this.labelNames) branch = branchAt(branch, labels[name]);
    return (branch.series ??= this.add(labels));
  }

  private add(labels: LabelValues<L>): S {
    const ordered = Object.fromEntries(this.labelNames.map((name) => [name, labels[name]]));
    const series = this.create();
    this.children.push({ labels: ordered as LabelValues<L>, series });
    return series;
  }

  /** Called by the registry at a scrape. */
  get(): Promise<{ name: string; help: string; type: string; values: Sample[] }> {
    const values = this.children.flatMap(({ labels, series }) => series.samples(this.name, labels));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, values });
  }

  /** Sets every series to zero. Series that callers hold stay valid. */
  reset(): void {
    for (const { series } of this.children) series.clear();
  }

  register(registry: Registry): this {
    // The registry calls name, get() and reset() only; its type asks for one of prom-client's own classes.
    registry.registerMetric(this as unknown as Histogram);
    return this;
  }
}

function branchAt<S>({ next }: Branch<S>, value: string): Branch<S> {
  let branch = next.get(value);
  if (!branch) next.set(value, (branch = { next: new Map() }));
  return branch;
}
