/**
 * The value that the given share of all values does not exceed; 1 gives the largest.
 *
 * @returns 0 for no values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
