import type { RateLimitDecision } from '../../../src/rate-limit/index.js';
import { worstWindow } from './admitted.js';
import { percentile } from './figures.js';
import { byMachine } from './noise.js';
import { GRANT, OUTAGE_RULES, type OutageRule } from './limiter-policies.js';
import type { Told } from './limiter-traffic.js';
import type { OutageEpisode } from './outage-episode.js';

/** A decision may take 50 ms; the rest is what a shared machine adds. */
const ANSWER_MS = 500;
const BACK_MS = 3000;
/** What an outage may add to what a client is granted. */
const SHARE_ADMITTED = 1.1;
/** Of the calls that were made up for when Redis left again. */
const SHARE_MISSED = 0.02;

/**
 * Holds what callers of the limiter were told against what is promised for an outage.
 *
 * @returns one sentence for each broken promise; none when all were kept
 */
export function judgeOutage(episode: OutageEpisode): string[] {
  const { fault, times, told } = episode;
  const { audit, ...ruled } = told;
  const all = [...Object.values(ruled).flat(), ...audit];
  const rejected = all.filter(({ decision }) => !decision);
  const backMs = times.backMs - times.healedMs;
  return [
    ...(rejected.length > 0 ? [`${rejected.length} checks were rejected: ${rejected[0]?.error}`] : []),
    ...(slowestMs(all) > ANSWER_MS + episode.stallMs
      ? [`the slowest decision took ${slowestMs(all).toFixed(0)} ms`]
      : []),
    ...(backMs > BACK_MS && !fault.flaps
      ? [`Redis decided again ${backMs.toFixed(0)} ms after its return`]
      : []),
    ...OUTAGE_RULES.flatMap((rule) => judgeRule(episode, rule)),
    ...judgeHealthy(episode, all),
    ...judgeMetric(episode, all),
    ...judgeCounts(episode),
  ];
}

export function slowestMs(told: readonly Told[]): number {
  return percentile(
    told.map(({ ms }) => ms),
    1,
  );
}

/** What was admitted over what one client is granted, in the window where that is most. */
export function admittedShare({ told }: OutageEpisode, rule: OutageRule): number {
  const admitted = told[rule].filter(({ decision }) => decision?.allowed);
  const endedMs = admitted.map(({ startedMs, ms }) => startedMs + ms);
  return worstWindow(
    endedMs.toSorted((one, other) => one - other),
    GRANT,
  ).share;
}

/** Decisions that began when the loss was known and ended before the heal began. */
export function inOutage({ told, times }: OutageEpisode, rule: OutageRule): readonly Told[] {
  return told[rule].filter(
    ({ startedMs, ms }) => startedMs >= times.noticedMs && startedMs + ms <= times.healingMs,
  );
}

const EXPECTED: Readonly<Record<OutageRule, (decision: RateLimitDecision) => boolean>> = {
  local: ({ state, allowed }) => (allowed ? state === 'allow' : state === 'throttle'),
  deny: ({ state, allowed, retryAfterMs }) => !allowed && state === 'unavailable' && (retryAfterMs ?? 0) > 0,
  allow: ({ state, allowed }) => allowed && state === 'allow',
};

function judgeRule(episode: OutageEpisode, rule: OutageRule): string[] {
  const share = admittedShare(episode, rule);
  const during = episode.fault.effect === 'lost' ? inOutage(episode, rule) : [];
  const of = (count: number, what: string) =>
    count > 0 ? [`${rule}: ${count} of ${during.length} decisions of the outage ${what}`] : [];
  const decisions = during.flatMap(({ decision }) => decision ?? []);
  return [
    ...(episode.fault.effect === 'lost' && during.length === 0
      ? [`${rule}: nobody asked in the outage`]
      : []),
    ...of(
      decisions.filter(({ backend, degraded }) => backend !== 'memory' || !degraded).length,
      'are not labelled',
    ),
    ...of(decisions.filter((decision) => !EXPECTED[rule](decision)).length, 'do not follow the rule'),
    ...(rule !== 'allow' && share > SHARE_ADMITTED
      ? [`${rule}: ${share.toFixed(2)} times the limit was admitted`]
      : []),
  ];
}

/** Before the fault and after the return nothing is degraded, but for what the machine does to a deadline. */
function judgeHealthy(episode: OutageEpisode, all: readonly Told[]): string[] {
  const { times } = episode;
  const phases = [
    all.filter(({ startedMs, ms }) => startedMs + ms < times.struckMs),
    all.filter(({ startedMs }) => startedMs >= times.backMs),
  ];
  return phases.flatMap((healthy) => {
    const degraded = healthy
      .filter(({ decision }) => decision?.degraded)
      .map(({ startedMs, ms }) => ({ startedMs, endedMs: startedMs + ms }));
    return byMachine(episode, degraded, healthy.length)
      ? []
      : [`${degraded.length} of ${healthy.length} decisions were degraded while nothing was wrong`];
  });
}

function judgeMetric({ fallbacks }: OutageEpisode, all: readonly Told[]): string[] {
  const degraded = all.filter(({ decision }) => decision?.degraded).length;
  return fallbacks === degraded
    ? []
    : [`the metric counts ${fallbacks} substitutes of ${degraded} degraded decisions`];
}

/** No call counts twice, and next to none is missing: only what was being made up for when Redis left again. */
function judgeCounts({ told: { audit }, counted }: OutageEpisode): string[] {
  return [
    ...(counted <= audit.length ? [] : [`${counted} calls are counted, but ${audit.length} were made`]),
    ...(counted >= audit.length * (1 - SHARE_MISSED)
      ? []
      : [`${counted} calls are counted of ${audit.length} that were made`]),
  ];
}
