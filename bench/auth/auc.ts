/** How well a measure tells two sides apart: 0.5 not at all, 0 or 1 always. */
export interface Auc {
  readonly auc: number;
  /** 95 % of such samples give an interval that holds the true value. */
  readonly low: number;
  readonly high: number;
}

const Z_95 = 1.96;

/**
 * The share of pairs in which the second side has the larger value, ties counted half (Mann and Whitney), with the
 * interval of Hanley and McNeil (1982).
 */
export function aucOf(one: readonly number[], other: readonly number[]): Auc {
  const [n, m] = [one.length, other.length];
  const all = [
    ...one.map((value) => ({ value, other: false })),
    ...other.map((value) => ({ value, other: true })),
  ].sort((a, b) => a.value - b.value);
  let rankSum = 0;
  for (let at = 0; at < all.length;) {
    let end = at;
    while (end < all.length && all[end]?.value === all[at]?.value) end += 1;
    const rank = (at + 1 + end) / 2;
    rankSum += rank * all.slice(at, end).filter((entry) => entry.other).length;
    at = end;
  }
  const auc = (rankSum - (m * (m + 1)) / 2) / (n * m);
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  const variance = (auc * (1 - auc) + (m - 1) * (q1 - auc * auc) + (n - 1) * (q2 - auc * auc)) / (n * m);
  const half = Z_95 * Math.sqrt(Math.max(0, variance));
  return { auc, low: auc - half, high: auc + half };
}
