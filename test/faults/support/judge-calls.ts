import { PURPOSES, type BuiltInPurpose } from '../../../src/redis/index.js';
import type { Attempt } from './callers.js';
import type { Episode, StrikeRecord } from './episode.js';
import type { FaultRow } from './fault-row.js';
import { percentile } from './figures.js';
import { type Span, byMachine, stalled } from './noise.js';

/** A call may take its budget and 50 ms; the rest is the noise of a shared machine. */
const NOISE_MS = 200;
/** Fewer would prove nothing about a compartment that goes on. */
const ENOUGH_CALLS = 100;
/** For a purpose that nobody answers, from the first moment on: see PACE for how its calls are made. */
const SILENT_P99_MS = 50;
const SILENT_MAX_MS = 500;

/** Holds the calls of the core on one purpose against what was promised, struck or not. */
export function judgeCalls(episode: Episode, name: BuiltInPurpose): string[] {
  const attempts = episode.attempts[name];
  const strike = episode.strikes.find(({ purpose }) => purpose === name);
  const { struckMs, backMs } = episode.times;
  const struck = ({ startedMs, ms }: Attempt) => startedMs + ms > struckMs && startedMs < backMs;
  const complaints = [
    ...judgeBounds(episode, name),
    ...judgeCounts(episode, name),
    ...(strike && strike.fault.effect !== 'unnoticed'
      ? [
          ...judgeStruck(episode, attempts.filter(struck), strike.fault),
          ...judgeSpared(
            episode,
            attempts.filter((attempt) => !struck(attempt)),
          ),
        ]
      : [
          ...judgeSpared(episode, attempts),
          ...(attempts.length < ENOUGH_CALLS ? [`only ${attempts.length} calls`] : []),
        ]),
    ...(strike && isSilent(strike.fault) ? judgeSilence(episode, strike) : []),
  ];
  return complaints.map((complaint) => `${name}: ${complaint}`);
}

/** Whether the fault shows as silence only, as a black hole does. */
export function isSilent({ effect, reasons }: FaultRow): boolean {
  return effect === 'lost' && reasons.every((reason) => reason === 'timeout');
}

/** Time-outs of a purpose that no fault struck. */
export function sparedTimeouts({ attempts, strikes }: Episode, name: BuiltInPurpose): number {
  const struck = strikes.some(({ fault, purpose }) => purpose === name && fault.effect !== 'unnoticed');
  return struck ? 0 : attempts[name].filter(({ reason }) => reason === 'timeout').length;
}

function spanOf({ startedMs, ms }: Attempt): Span {
  return { startedMs, endedMs: startedMs + ms };
}

/** The calls that a purpose got while it was silent, including those that found out. */
export function callsInWindow({ times, attempts }: Episode, name: BuiltInPurpose): readonly Attempt[] {
  return attempts[name].filter(
    ({ startedMs, ms }) => startedMs + ms >= times.struckMs && startedMs < times.healingMs,
  );
}

function judgeBounds({ attempts, waitingMs, stallMs }: Episode, name: BuiltInPurpose): string[] {
  const boundMs = Math.round(PURPOSES[name].lanes.command.commandMs + NOISE_MS + stallMs);
  const slow = attempts[name].filter(({ ms }) => ms > boundMs);
  const foreign = attempts[name].filter(({ outcome }) => outcome === 'foreign error');
  return [
    ...some(slow, `over ${boundMs} ms`),
    ...(waitingMs[name] > boundMs ? [`a call without an end after ${waitingMs[name].toFixed(0)} ms`] : []),
    ...some(foreign, 'with an error that is not ours'),
    ...some(
      attempts[name].filter(({ leaks }) => leaks),
      'whose error shows a secret',
    ),
  ];
}

/** What was acknowledged has run once; what failed has run once or not at all. */
function judgeCounts({ attempts, counts, strikes }: Episode, name: BuiltInPurpose): string[] {
  const forgets = strikes.some(({ fault, purpose }) => purpose === name && fault.forgets);
  const times = (index: number) => counts[name][index] ?? 0;
  const twice = attempts[name].filter((_, index) => times(index) > 1);
  const lost = attempts[name].filter(({ outcome }, index) => outcome === 'ok' && times(index) === 0);
  const denied = attempts[name].filter(
    ({ maybeExecuted }, index) => maybeExecuted === false && times(index) > 0,
  );
  return [
    ...some(twice, 'executed twice'),
    ...(forgets ? [] : some(lost, 'acknowledged and lost')),
    ...some(denied, 'executed, although the error says that it was not'),
  ];
}

function judgeStruck(episode: Episode, attempts: readonly Attempt[], fault: FaultRow): string[] {
  const failed = attempts.filter(({ outcome }) => outcome === 'unavailable');
  const reasons: readonly string[] = stalled(episode) ? [...fault.reasons, 'timeout'] : fault.reasons;
  return [
    ...(failed.length === 0 && fault.effect === 'lost' ? ['no call failed'] : []),
    ...some(
      failed.filter(({ reason }) => !reasons.includes(reason ?? '')),
      `for another reason than ${reasons.join(', ')}`,
    ),
    ...(fault.unknownOutcomes
      ? []
      : some(
          failed.filter(({ maybeExecuted }) => maybeExecuted),
          'of unknown outcome',
        )),
  ];
}

/** Another compartment does not notice. What a shared machine does to a 100 ms budget is allowed for. */
function judgeSpared(episode: Episode, attempts: readonly Attempt[]): string[] {
  const failed = attempts.filter(({ outcome }) => outcome === 'unavailable');
  return [
    ...some(
      failed.filter(({ reason }) => reason !== 'timeout'),
      'failed, although nothing was wrong with the purpose',
    ),
    ...(byMachine(episode, failed.map(spanOf), attempts.length)
      ? []
      : [`${failed.length} of ${attempts.length} calls failed, although nothing was wrong`]),
  ];
}

function judgeSilence(episode: Episode, { purpose }: StrikeRecord): string[] {
  const ms = callsInWindow(episode, purpose).map((attempt) => attempt.ms);
  const [p99, max] = [percentile(ms, 0.99), percentile(ms, 1)];
  const { stallMs } = episode;
  return [
    ...(p99 > SILENT_P99_MS + stallMs ? [`silent: p99 of ${ms.length} calls is ${p99.toFixed(0)} ms`] : []),
    ...(max > SILENT_MAX_MS + stallMs ? [`silent: the slowest call took ${max.toFixed(0)} ms`] : []),
  ];
}

function some(attempts: readonly Attempt[], what: string): string[] {
  if (attempts.length === 0) return [];
  const shown = attempts.slice(0, 3).map(({ key, ms, reason, maybeExecuted, text }) => {
    const facts = [reason, maybeExecuted === undefined ? undefined : `maybeExecuted ${maybeExecuted}`, text];
    return `${key} after ${ms.toFixed(0)} ms (${facts.filter((fact) => fact !== undefined).join(', ')})`;
  });
  return [`${attempts.length} calls ${what}: ${shown.join('; ')}`];
}
