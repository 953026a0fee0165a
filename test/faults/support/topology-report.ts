import type { Seen } from './workload.js';

/** One line for the table: what happened, and what callers saw of it. */
export function reportSeen(what: string, seen: Seen, blowMs: number, lost: number): void {
  const { calls, failed, slowestMs, lastFailureMs, writes, spent } = seen;
  const failures = Object.entries(failed).map(([reason, count]) => `${reason} ${count}`);
  const back =
    lastFailureMs === undefined ? 'no call failed' : `back ${(lastFailureMs - blowMs).toFixed(0)} ms after`;
  process.stdout.write(
    `  ${what.padEnd(44)} ${calls} calls, failed: ${failures.join(', ') || 'none'}; ${back}, ` +
      `slowest ${slowestMs.toFixed(0)} ms; ${writes} writes and ${spent.length} spent values acknowledged, ${lost} lost\n`,
  );
}
