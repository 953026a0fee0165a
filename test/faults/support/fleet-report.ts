import { worstWindow } from './admitted.js';
import { DEFAULT_GRANT, type FleetAnswer } from './fleet.js';

export interface FleetFigures {
  readonly admitted: number;
  /** What one client is granted for the time of its requests. */
  readonly granted: number;
  /** Admitted over granted, in the window where that is most. */
  readonly worstShare: number;
  readonly slowestMs: number;
  readonly statuses: readonly number[];
}

/** Of what a client is granted, in any window of any length. */
const MOST_ADMITTED = 1.1;
/** No hang: three instances and their client share a machine that may be busy. */
const ANSWER_MS = 1500;

/** @returns one sentence for each broken promise; none when all were kept */
export function judgeFleet({ worstShare, statuses, slowestMs }: FleetFigures): string[] {
  const strange = statuses.filter((status) => status !== 200 && status !== 429);
  return [
    ...(worstShare > MOST_ADMITTED ? [`${worstShare.toFixed(2)} times the limit was admitted`] : []),
    ...(statuses.includes(429) ? [] : ['the limit was never met']),
    ...(strange.length > 0 ? [`answers ${strange.join(', ')}`] : []),
    ...(slowestMs > ANSWER_MS ? [`an answer took ${slowestMs.toFixed(0)} ms`] : []),
  ];
}

/** What one client got of the policy `default`; prints a line of it. */
export function figuresOf(what: string, answers: readonly FleetAnswer[]): FleetFigures {
  const admittedMs = answers.filter(({ status }) => status === 200).map(({ endedMs }) => endedMs);
  const startMs = Math.min(...answers.map(({ startedMs }) => startedMs));
  const seconds = (Math.max(...answers.map(({ endedMs }) => endedMs)) - startMs) / 1000;
  const granted = DEFAULT_GRANT.burst + DEFAULT_GRANT.perSecond * seconds;
  const worst = worstWindow(
    admittedMs.toSorted((one, another) => one - another),
    DEFAULT_GRANT,
  );
  const slowestMs = Math.max(...answers.map(({ startedMs, endedMs }) => endedMs - startedMs));
  process.stdout.write(
    `  ${what.padEnd(62)} admitted ${admittedMs.length} of ${granted.toFixed(0)} granted in ${seconds.toFixed(1)} s, ` +
      `${answers.length} asked; worst window ${worst.admitted} of ${worst.granted.toFixed(0)} in ` +
      `${worst.lengthMs.toFixed(0)} ms (${worst.share.toFixed(2)}); slowest ${slowestMs.toFixed(0)} ms\n`,
  );
  const statuses = [...new Set(answers.map(({ status }) => status))].toSorted(
    (one, another) => one - another,
  );
  return { admitted: admittedMs.length, granted, worstShare: worst.share, slowestMs, statuses };
}
