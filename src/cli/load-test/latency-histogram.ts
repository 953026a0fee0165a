/** Below this a microsecond has a bucket of its own; above it each power of two has half as many buckets. */
const EXACT = 256;
const PER_POWER = EXACT / 2;
/** log2(EXACT) - 1: how far a value is shifted so that its first eight bits remain. */
const MANTISSA_BITS = 7;
/** 2^31 microseconds, some 35 minutes, and more than a request is ever waited for. */
const LARGEST_US = 2 ** 31 - 1;
const BUCKETS = EXACT + (31 - MANTISSA_BITS - 1) * PER_POWER;

/**
 * Counts durations in buckets whose width grows with the value, so that every percentile is exact to 0.8 % and the
 * memory is some 13 KB, whatever the number of requests. Percentiles are rounded up, never down.
 */
export class LatencyHistogram {
  private readonly counts = new Uint32Array(BUCKETS);
  private total = 0;
  private largestUs = 0;

  /** @param ms milliseconds with a fraction; below zero counts as zero */
  record(ms: number): void {
    const us = Math.min(LARGEST_US, Math.max(0, Math.round(ms * 1000)));
    const bucket = bucketOf(us);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
    this.largestUs = Math.max(this.largestUs, us);
  }

  get count(): number {
    return this.total;
  }

  /** Milliseconds, exact; undefined while nothing is recorded. */
  get maxMs(): number | undefined {
    return this.total === 0 ? undefined : this.largestUs / 1000;
  }

  /**
   * The nearest rank: the least value that `percent` of all are not above.
   *
   * @param percent above 0, up to 100
   * @returns milliseconds; undefined while nothing is recorded
   */
  percentileMs(percent: number): number | undefined {
    if (this.total === 0) return undefined;
    let left = Math.max(1, Math.ceil((percent / 100) * this.total));
    for (const [bucket, count] of this.counts.entries()) {
      left -= count;
      if (left <= 0) return Math.min(upperEdgeUs(bucket), this.largestUs) / 1000;
    }
    return this.maxMs;
  }
}

function bucketOf(us: number): number {
  if (us < EXACT) return us;
  const shift = 31 - Math.clz32(us) - MANTISSA_BITS;
  return EXACT + (shift - 1) * PER_POWER + (us >>> shift) - PER_POWER;
}

/** The largest value that falls into the bucket. */
function upperEdgeUs(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const shift = Math.floor((bucket - EXACT) / PER_POWER) + 1;
  const mantissa = ((bucket - EXACT) % PER_POWER) + PER_POWER;
  return (mantissa + 1) * 2 ** shift - 1;
}
