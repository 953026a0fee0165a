import type { RequestRecord } from '../../telemetry/index.js';
import type { LimitOutcome } from '../counting/outcome.js';
import type { RateLimitDecision } from '../decision.js';

/** What the line of a request says of a decision. */
export type RequestNote = Pick<
  RequestRecord,
  'rlBackend' | 'rateLimitState' | 'rateLimitPolicy' | 'rateLimitDegraded'
>;

export function requestNote(decision: RateLimitDecision): RequestNote {
  const { backend, state, degraded } = decision;
  const note: RequestNote = {
    rlBackend: backend,
    rateLimitState: state,
    rateLimitPolicy: decidingPolicy(decision),
  };
  if (degraded) note.rateLimitDegraded = true;
  return note;
}

/** The policy that denied, of several the one to be waited for longest; else the one with the least left. */
export function decidingPolicy({ allowed, meters, outcomes }: RateLimitDecision): string {
  let policy = '';
  let least = Infinity;
  for (let at = 0; at < meters.length; at += 1) {
    const { limit } = meters[at] as RateLimitDecision['meters'][number];
    const { remaining, waitUs } = outcomes[at] as LimitOutcome;
    const left = allowed ? remaining / limit.burst : waitUs < 0 ? -Infinity : -waitUs;
    if (left >= least && policy !== '') continue;
    policy = limit.policy;
    least = left;
  }
  return policy;
}
