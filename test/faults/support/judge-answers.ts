import { PURPOSES, type BuiltInPurpose } from '../../../src/redis/index.js';
import { byMachine } from './noise.js';
import type { Promised } from './endpoint-table.js';
import type { Episode } from './episode.js';
import type { FaultRow } from './fault-row.js';
import { PURPOSE_NAMES } from './house.js';
import type { Answer } from './visitor.js';

/** More than the slowest budget allows any request; the health endpoints need a few milliseconds. */
const ANSWER_MS = 500;

const HEALTHY: Promised = { status: 200, degraded: false };

/** How sure it is at some moment that a purpose is away. */
type Certainty = 'up' | 'perhaps away' | 'away';
type Certain = (purpose: BuiltInPurpose) => Certainty;

/**
 * Holds the answers of the application against the endpoint table, and readiness against what was struck.
 *
 * @returns each broken promise once, however often it was broken
 */
export function judgeAnswers(episode: Episode): string[] {
  if (episode.answers.length === 0) return ['the application was not asked at all'];
  const { broken, blurred } = sift(episode);
  const guilty = byMachine(episode, blurred, episode.answers.length) ? broken : [...broken, ...blurred];
  const times = new Map<string, number>();
  for (const answer of guilty) {
    for (const complaint of judgeAnswer(episode, answer, certainOf(episode, answer)))
      times.set(complaint, (times.get(complaint) ?? 0) + 1);
  }
  return [...times].map(([complaint, count]) => `${complaint} (${count} times)`);
}

/**
 * Answers that broke a promise, and those of them that would be right if a spared purpose had been away: on a shared
 * machine one may miss its 100 ms for a moment, in the application as in the core.
 */
export function sift(episode: Episode): { broken: Answer[]; blurred: Answer[] } {
  const wrong = episode.answers.filter(
    (answer) => judgeAnswer(episode, answer, certainOf(episode, answer)).length > 0,
  );
  const isBlurred = (answer: Answer) =>
    judgeAnswer(episode, answer, unsureIfUp(certainOf(episode, answer))).length === 0;
  return { broken: wrong.filter((answer) => !isBlurred(answer)), blurred: wrong.filter(isBlurred) };
}

function certainOf(episode: Episode, answer: Answer): Certain {
  return (purpose) => certainty(episode, answer, purpose);
}

function unsureIfUp(certain: Certain): Certain {
  return (purpose) => (certain(purpose) === 'up' ? 'perhaps away' : certain(purpose));
}

function judgeAnswer({ stallMs }: Episode, answer: Answer, certain: Certain): string[] {
  const boundMs = ANSWER_MS + stallMs;
  const { endpoint, status, said, states = {} } = answer;
  const name = `${endpoint.method} ${endpoint.path}`;
  const permitted = permittedAnswers(answer, certain);
  const ms = answer.endedMs - answer.startedMs;
  return [
    ...(permitted.some((promise) => keeps(answer, promise))
      ? []
      : [`${name}: ${status} ${said ?? ''}, but promised is ${promiseTexts(permitted)}`]),
    ...(ms > boundMs ? [`${name}: over ${boundMs.toFixed(0)} ms`] : []),
    ...PURPOSE_NAMES.flatMap((purpose) => {
      const state = states[purpose];
      if (state === undefined || permittedStates(purpose, certain(purpose)).includes(state)) return [];
      return [`${name}: ${purpose} is ${state} while it is ${certain(purpose)}`];
    }),
  ];
}

/** Every combination of what is surely and what is perhaps away; of two purposes away, the worse answer counts. */
function permittedAnswers({ endpoint }: Answer, certain: Certain): Promised[] {
  return PURPOSE_NAMES.reduce<Promised[]>(
    (permitted, purpose) => {
      const known = certain(purpose);
      if (known === 'up') return permitted;
      const worse = permitted.map((promise) => worst(promise, endpoint.away[purpose]));
      return known === 'away' ? worse : [...permitted, ...worse];
    },
    [HEALTHY],
  );
}

function permittedStates(purpose: BuiltInPurpose, known: Certainty): string[] {
  const lost = PURPOSES[purpose].outage === 'degrade' ? 'degraded' : 'down';
  if (known === 'up') return ['up'];
  return known === 'away' ? [lost] : ['up', lost];
}

function certainty({ strikes, times }: Episode, answer: Answer, purpose: BuiltInPurpose): Certainty {
  const fault = strikes.find((strike) => strike.purpose === purpose)?.fault;
  const untouched = answer.endedMs <= times.struckMs || answer.startedMs >= times.backMs;
  if (!fault || fault.effect === 'unnoticed' || untouched) return 'up';
  const inWindow = answer.startedMs >= times.noticedMs && answer.endedMs <= times.healingMs;
  return inWindow && staysAway(fault) ? 'away' : 'perhaps away';
}

function staysAway({ effect, flaps }: FaultRow): boolean {
  return effect === 'lost' && !flaps;
}

function worst(one: Promised, other: Promised): Promised {
  return { status: Math.max(one.status, other.status), degraded: one.degraded || other.degraded };
}

/** An answer that says nothing of its state, such as the metrics, is judged by its status alone. */
function keeps({ status, said }: Answer, promise: Promised): boolean {
  if (status !== promise.status) return false;
  return status !== 200 || said === undefined || (said === 'degraded') === promise.degraded;
}

function promiseTexts(promises: readonly Promised[]): string {
  const texts = promises.map(({ status, degraded }) =>
    status === 200 && degraded ? '200 degraded' : String(status),
  );
  return [...new Set(texts)].join(' or ');
}
