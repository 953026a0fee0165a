import type { FastifyReply, FastifyRequest } from 'fastify';
import { PreparedProblem } from '../../http/index.js';
import type { LimitOutcome } from '../counting/outcome.js';
import { type RateLimitDecision } from '../decision.js';
import type { LimitEngine, Request } from '../limit-engine.js';
import { RateLimitExceededError, denialKey, denialRetryAfterMs } from './rate-limit.errors.js';
import type { RouteLimits, Values } from './route-limits.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the limits of the route said; `asked` until they do. A request is counted once. */
    rateLimit?: RateLimitDecision | 'asked';
  }
}

/** Answers below it are successes. */
const FIRST_FAILURE = 400;

/** Decides requests; hook and guard both do it by this, so that clients cannot tell them apart. */
export class RequestLimits {
  private readonly problems = new Map<string, PreparedProblem>();

  constructor(private readonly engine: LimitEngine) {}

  /** Spends what the request costs. */
  decide(
    limits: RouteLimits,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RateLimitDecision | Promise<RateLimitDecision> {
    const values = limits.values(request);
    const question = limits.question(request);
    request.rateLimit = 'asked';
    if (limits.forgives) this.refundOnSuccess(limits, { request, reply, values, question });
    return this.engine.decide(limits.plan, values, question);
  }

  /**
   * For a request that a guard will decide, if it gets that far: who is not let in by guards before it, or sends a body
   * that nobody can read, is counted when it ends by what its head says, and denied at once when that is used up.
   */
  denialAtArrival(
    limits: RouteLimits,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RateLimitDecision | undefined {
    const values = limits.valuesAtArrival(request);
    const denial = this.engine.denialNow(limits.plan, values);
    if (denial) return denial;
    reply.raw.once('close', () => {
      if (!request.rateLimit) waitForNobody(this.engine.decide(limits.plan, values));
    });
    return undefined;
  }

  /**
   * Keeps what was decided: for whoever asks again, for the log, and in the headers.
   *
   * @returns whether the request may pass
   */
  note(
    limits: RouteLimits,
    request: FastifyRequest,
    reply: FastifyReply,
    decision: RateLimitDecision,
  ): boolean {
    request.rateLimit = decision;
    if (decision.meters.length === 0) return true;
    // The record is there only behind the HTTP door of this house.
    const record: FastifyRequest['record'] | undefined = request.record;
    if (record) {
      record.rlBackend = decision.backend;
      record.rateLimitState = decision.state;
      record.rateLimitPolicy = decidingPolicy(decision);
      if (decision.degraded) record.rateLimitDegraded = true;
    }
    if (!decision.allowed) return false;
    reply.header('ratelimit-policy', limits.fields.policy(decision));
    reply.header('ratelimit', limits.fields.limits(decision));
    return true;
  }

  /** Answers a denied request, without an exception and with the very bytes that one would be answered with. */
  deny({ fields }: RouteLimits, reply: FastifyReply, decision: RateLimitDecision): void {
    const key = denialKey(decision);
    let problem = this.problems.get(key);
    if (!problem) {
      problem = new PreparedProblem(new RateLimitExceededError(decision));
      this.problems.set(key, problem);
    }
    problem.send(reply, denialRetryAfterMs(decision), {
      'ratelimit-policy': fields.policy(decision),
      ratelimit: fields.limits(decision),
    });
  }

  private refundOnSuccess(limits: RouteLimits, { request, reply, values, question }: Asked): void {
    const { raw } = reply;
    // Comes once; not, or on a dead connection, for a client that left before its answer: that is no success.
    raw.once('finish', () => {
      const { rateLimit } = request;
      if (typeof rateLimit !== 'object' || !rateLimit.allowed) return;
      if (request.socket.destroyed || raw.statusCode >= FIRST_FAILURE) return;
      const refund = limits.refund(values, question);
      if (refund) waitForNobody(this.engine.decide(refund.plan, refund.values, refund.question));
    });
  }
}

/** What Redis could not be told while it was away is earned back in time, or never spent. */
function waitForNobody(decision: RateLimitDecision | Promise<RateLimitDecision>): void {
  if (decision instanceof Promise) decision.catch(() => undefined);
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly values: Values;
  readonly question: Request;
}

/** The policy that denied, of several the one to be waited for longest; else the one with the least left. */
function decidingPolicy({ allowed, meters, outcomes }: RateLimitDecision): string {
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
