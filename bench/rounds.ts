/** One thing to measure: does `operations` operations, `concurrency` at a time. */
export interface Contestant {
  readonly name: string;
  readonly run: (operations: number, concurrency: number) => Promise<void>;
}

export interface Figure {
  readonly name: string;
  /** Median over the rounds, operations per second. */
  readonly perSecond: number;
  /** Median of the ratio to the first contestant within one round: what the machine does hits both. */
  readonly ratio: number;
  /** Median CPU of this process per operation, microseconds. */
  readonly cpuUs: number;
  /** Slowest and fastest round, operations per second: the noise. */
  readonly range: readonly [number, number];
}

export interface RoundOptions {
  readonly concurrency: number;
  readonly operations: number;
  readonly rounds: number;
}

/** Runs all contestants in turn, round after round; the first is what the others are compared with. */
export async function compare(contestants: readonly Contestant[], options: RoundOptions): Promise<Figure[]> {
  const { concurrency, operations, rounds } = options;
  const samples = contestants.map(() => [] as { perSecond: number; cpuUs: number }[]);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, { run }] of contestants.entries()) {
      const cpu = process.cpuUsage();
      const started = performance.now();
      await run(operations, concurrency);
      const ms = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      // The first round warms up and is not counted.
      if (round >= 0)
        samples[index]?.push({ perSecond: (operations / ms) * 1000, cpuUs: (user + system) / operations });
    }
  }
  return contestants.map(({ name }, index) => {
    const own = samples[index] ?? [];
    const base = samples[0] ?? [];
    const rates = own.map((s) => s.perSecond);
    return {
      name,
      perSecond: median(rates),
      ratio: median(rates.map((rate, round) => rate / (base[round]?.perSecond ?? rate))),
      cpuUs: median(own.map((s) => s.cpuUs)),
      range: [Math.min(...rates), Math.max(...rates)],
    };
  });
}

/** Keeps `concurrency` calls of `call` going until `operations` are done. */
export async function pump(
  operations: number,
  concurrency: number,
  call: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < operations) await call(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function printTable(title: string, figures: readonly Figure[]): void {
  process.stdout.write(`\n${title}\n`);
  const rows = figures.map(({ name, perSecond, ratio, cpuUs, range }) => [
    name.padEnd(44),
    `${Math.round(perSecond).toLocaleString('en')}/s`.padStart(12),
    `${ratio.toFixed(2)}x`.padStart(8),
    `${cpuUs.toFixed(2)} us CPU`.padStart(14),
    `[${Math.round(range[0]).toLocaleString('en')} – ${Math.round(range[1]).toLocaleString('en')}]`.padStart(
      24,
    ),
  ]);
  process.stdout.write(`${rows.map((row) => row.join(' ')).join('\n')}\n`);
}
