import { PURPOSES, type BuiltInPurpose, type UnavailableReason } from '../../../src/redis/index.js';
import type { Attempt } from './callers.js';
import { type EndpointRow, readEndpointTable } from './endpoint-table.js';
import type { Episode } from './episode.js';
import type { FaultRow } from './fault-row.js';
import { PURPOSE_NAMES } from './house.js';
import { perPurpose } from './per-purpose.js';
import type { Answer } from './visitor.js';

export const STRUCK: BuiltInPurpose = 'authCache';

/** Silence for a second, as a black hole gives it. */
export const SILENCE: FaultRow = {
  name: 'silence',
  family: 'network',
  effect: 'lost',
  inject: async () => undefined,
  heal: async () => undefined,
  reasons: ['timeout'],
  unknownOutcomes: true,
};

const TIMES = { struckMs: 1000, noticedMs: 1300, healingMs: 2300, backMs: 2400 };
const END_MS = 3000;
const CALL_EVERY_MS = 5;
const ASK_EVERY_MS = 50;

/** An episode made up for the judge, in which every promise is kept. */
export function soundEpisode(): Episode {
  const attempts = perPurpose(callsOf);
  return {
    strikes: [
      { fault: SILENCE, purpose: STRUCK, coreReason: 'timeout', appReason: 'timeout', coreMs: 20, appMs: 30 },
    ],
    times: TIMES,
    attempts,
    counts: perPurpose((name) => attempts[name].map(({ outcome }) => (outcome === 'ok' ? 1 : 0))),
    waitingMs: perPurpose(() => 1),
    answers: readEndpointTable().flatMap((endpoint) =>
      moments(ASK_EVERY_MS).map((atMs) => answerOf(endpoint, atMs)),
    ),
    connections: perPurpose((name) => ({ before: [`bulkhead:${name}`], after: [`bulkhead:${name}`] })),
    log: { requests: 10, others: 2, bytes: 3000, strays: [], secrets: 0 },
    stallMs: 8,
    residentBytes: 1,
    unhandled: [],
  };
}

function moments(everyMs: number): number[] {
  return Array.from({ length: END_MS / everyMs }, (_, n) => n * everyMs);
}

function callsOf(name: BuiltInPurpose): Attempt[] {
  const away = (startedMs: number) =>
    name === STRUCK && startedMs >= TIMES.struckMs && startedMs < TIMES.backMs;
  return moments(CALL_EVERY_MS).map((startedMs, n): Attempt => {
    const key = `${PURPOSES[name].namespace}:fault:${n}`;
    if (!away(startedMs)) return { key, startedMs, ms: 1, outcome: 'ok' };
    return { key, startedMs, ms: 0, outcome: 'unavailable', reason: 'timeout', maybeExecuted: false };
  });
}

function answerOf(endpoint: EndpointRow, startedMs: number): Answer {
  const away = startedMs >= TIMES.noticedMs && startedMs < TIMES.backMs;
  const promised = away ? endpoint.away[STRUCK] : { status: 200, degraded: false };
  const named = endpoint.path === '/readyz';
  const states = PURPOSE_NAMES.map((name) => [name, away && name === STRUCK ? 'down' : 'up'] as const);
  return {
    endpoint,
    startedMs,
    endedMs: startedMs + 5,
    status: promised.status,
    ...(endpoint.path === '/metrics' ? {} : { said: promised.degraded ? 'degraded' : 'ok' }),
    ...(named ? { states: Object.fromEntries(states) } : {}),
  };
}

/** One more call, in the middle of the window or at the given moment. */
export function call(facts: Partial<Attempt> & { reason?: UnavailableReason } = {}): Attempt {
  return { key: 'extra', startedMs: 1500, ms: 0, outcome: 'ok', ...facts };
}
