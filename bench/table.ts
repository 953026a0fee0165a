/** Prints rows below a header, first column to the left, the others to the right. */
export function printRows(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const width = header.map((text, at) => Math.max(text.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((text, at) => (at === 0 ? text.padEnd(width[at] ?? 0) : text.padStart(width[at] ?? 0)))
      .join('  ');
  process.stdout.write(`\n${title}\n${[header, ...rows].map(line).join('\n')}\n`);
}

export function rate(perSecond: number): string {
  return perSecond >= 10_000 ? `${Math.round(perSecond / 1000)}k/s` : `${(perSecond / 1000).toFixed(1)}k/s`;
}

export function times(ratio: number): string {
  return Number.isNaN(ratio) ? '-' : `${ratio.toFixed(ratio < 0.1 ? 3 : 2)}x`;
}

export function microseconds(us: number): string {
  return us.toFixed(us < 1 ? 2 : 1);
}
