import type { FastifyReply, FastifyRequest } from 'fastify';
import { PreparedProblem, onRequestEnd } from '../../http/index.js';
import { RateLimitDecision } from '../decision.js';
import type { Held } from '../held.js';
import type { LimitEngine } from '../limit-engine.js';
import type { Request } from '../request.js';
import { RateLimitExceededError, denialKey, denialRetryAfterMs } from './rate-limit.errors.js';
import { requestNote } from './request-note.js';
import type { RouteLimits, Values } from './route-limits.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the limits of the route said; `asked` until they do. A request is counted once. */
    rateLimit?: RateLimitDecision | 'asked';
    /** What was spent when it arrived, until everything that counts is known. */
    rateLimitHeld?: Held;
  }
}

/** Answers below it are successes. */
const FIRST_FAILURE = 400;

/** Decides requests; hook and guard both do it by this, so that clients cannot tell them apart. */
export class RequestLimits {
  private readonly problems = new Map<string, PreparedProblem>();

  constructor(private readonly engine: LimitEngine) {}

  /** Spends what the request costs, beyond what is held of it; that is given back where it is denied or costs something else. */
  decide(
    limits: RouteLimits,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RateLimitDecision | Promise<RateLimitDecision> {
    const values = limits.values(request);
    const question = limits.question(request);
    request.rateLimit = 'asked';
    if (limits.forgives) this.refundOnSuccess(limits, { request, reply, values, question });
    return this.engine.decide(limits.plan, values, question, request.rateLimitHeld);
  }

  /**
   * For a request that a guard will decide, if it gets that far: what its head says is spent at once, so that however
   * many arrive together no more get past than the limits allow. Who is not let in by guards before it, or sends a
   * body that nobody can read, has spent that and gets nothing back.
   *
   * @returns undefined where the request may go on, or else the denial
   */
  holdAtArrival(
    limits: RouteLimits,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RateLimitDecision | undefined | Promise<RateLimitDecision | undefined> {
    const values = limits.valuesAtArrival(request);
    const said = this.engine.hold(limits.plan, values, limits.questionAtArrival(request));
    return said instanceof Promise
      ? said.then((later) => this.noteHeld(later, request, reply))
      : this.noteHeld(said, request, reply);
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
    if (record) Object.assign(record, requestNote(decision));
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

  private noteHeld(
    said: Held | RateLimitDecision,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RateLimitDecision | undefined {
    if (said instanceof RateLimitDecision) return said.allowed ? undefined : said;
    request.rateLimitHeld = said;
    onRequestEnd(request, reply, () => {
      if (!request.rateLimit) this.engine.keep(said);
    });
    return undefined;
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

/** What Redis cannot be told while it is away, it is told when it is back. */
function waitForNobody(decision: RateLimitDecision | Promise<RateLimitDecision>): void {
  if (decision instanceof Promise) decision.catch(() => undefined);
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly values: Values;
  readonly question: Request;
}
