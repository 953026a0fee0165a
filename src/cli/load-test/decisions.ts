/** Rate-limit decisions as `/metrics` counts them: value by series. */
export type DecisionCounters = ReadonlyMap<string, number>;

/** Decisions of a run by the backend that made them, or why they cannot be known. */
export type Decisions =
  { readonly byBackend: Readonly<Record<string, number>> } | { readonly unprovable: string };

const LINE = /^rate_limit_decisions_total\{([^}]*)\} +([0-9.eE+]+)/;

/** Reads the text format of Prometheus. */
export function decisionCounters(text: string): DecisionCounters {
  const counters = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, labels, value] = LINE.exec(line) ?? [];
    if (labels !== undefined) counters.set(labels, Number(value));
  }
  return counters;
}

/** What was decided between two readings of one process. */
export function decisionsBetween(before: DecisionCounters, after: DecisionCounters): Decisions {
  if (after.size === 0) return { unprovable: 'the target counts no rate-limit decisions at /metrics' };
  const byBackend: Record<string, number> = {};
  for (const [labels, value] of after) {
    const made = value - (before.get(labels) ?? 0);
    if (made < 0)
      return {
        unprovable:
          'the counters at /metrics went backwards: the instance was restarted, or several share the address',
      };
    const backend = /(?:^|,)\s*backend="([^"]*)"/.exec(labels)?.[1] ?? 'unknown';
    if (made > 0) byBackend[backend] = (byBackend[backend] ?? 0) + made;
  }
  return { byBackend };
}
