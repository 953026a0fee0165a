import { PURPOSES, type BuiltInPurpose } from '../../../src/redis/index.js';
import { judgeAnswers } from './judge-answers.js';
import { PURPOSE_NAMES } from './house.js';
import type { Episode, StrikeRecord } from './episode.js';
import { judgeCalls } from './judge-calls.js';

/**
 * Lines beside those of requests, for one episode: each loss and each return of the purpose is a line, and the first
 * loss in five minutes an error. A link that flaps through the whole window is lost and back some eight times.
 */
const LOG_LINES = 20;
/** Of a line, whatever it says. */
const LINE_BYTES = 700;

/**
 * What was measured, held against what is promised. Knows no fault by name: a row says what it does to its purpose,
 * the endpoint table what the application answers then, and everything else holds for every fault.
 *
 * @returns one sentence for each broken promise; none when all were kept
 */
export function judge(episode: Episode): string[] {
  return [
    ...episode.strikes.flatMap(judgeStrike),
    ...PURPOSE_NAMES.flatMap((name) => judgeCalls(episode, name)),
    ...judgeAnswers(episode),
    ...PURPOSE_NAMES.flatMap((name) => judgeConnections(episode, name)),
    ...judgeLog(episode),
    ...episode.unhandled.map((error) => `a rejection was not handled: ${String(error)}`),
  ];
}

function judgeStrike({ fault, purpose, coreReason, appReason }: StrikeRecord): string[] {
  const reasons: readonly string[] = fault.reasons;
  const seen = { core: coreReason, application: appReason };
  return Object.entries(seen).flatMap(([who, reason]) => {
    if (reason !== undefined && !reasons.includes(reason))
      return [`the ${who} gives ${reason} as the reason for ${purpose}, not one of: ${reasons.join(', ')}`];
    if (reason === undefined && fault.effect === 'lost' && !fault.flaps)
      return [`the ${who} has ${purpose} up at the end of the window, although nothing was healed`];
    return [];
  });
}

function judgeConnections({ connections }: Episode, name: BuiltInPurpose): string[] {
  const { before, after } = connections[name];
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const lanes = Object.keys(PURPOSES[name].lanes).length;
  const counted = `${after.length} connections to ${name} instead of ${before.length} (${lanes} a process)`;
  return [`${counted}: ${after.join(' ') || 'none'}`];
}

function judgeLog({ log, answers }: Episode): string[] {
  const lines = log.requests + log.others;
  return [
    // Readiness and metrics are asked as well, without a line; a request under way at either end adds one.
    ...(log.requests > answers.length + 2
      ? [`${log.requests} request lines for ${answers.length} answers`]
      : []),
    ...(log.others > LOG_LINES ? [`${log.others} lines of log beside requests, more than ${LOG_LINES}`] : []),
    ...(log.bytes > lines * LINE_BYTES ? [`${log.bytes} bytes of log in ${lines} lines`] : []),
    ...(log.secrets > 0 ? ['a secret in the output of the application'] : []),
    ...log.strays.map((line) => `not a line of JSON in the output of the application: ${line}`),
  ];
}
