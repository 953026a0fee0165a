import type { Fault } from '../../support/tcp-faults.js';

/** A network that passes everything and writes down when it was connected to; set with `proxy.use(log.fault)`. */
export class ConnectLog {
  /** Of `performance.now()`, in order. */
  readonly moments: number[] = [];

  /** The proxy attaches to live connections as well, so what is open when this is set counts once more. */
  readonly fault: Fault = {
    name: 'counted',
    attach: () => {
      this.moments.push(performance.now());
      return {};
    },
  };

  /** Connects in bins of `binMs`, beginning with the first connect. */
  bins(binMs: number): number[] {
    const [first = 0] = this.moments;
    const counts: number[] = [];
    for (const moment of this.moments) {
      const bin = Math.floor((moment - first) / binMs);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return Array.from(counts, (count) => count ?? 0);
  }

  /** Most connects in any window of `windowMs`, wherever it begins. */
  most(windowMs: number): number {
    const within = (from: number) => this.moments.filter((at) => at >= from && at < from + windowMs).length;
    return Math.max(0, ...this.moments.map(within));
  }
}
