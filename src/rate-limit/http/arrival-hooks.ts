import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { DeniedAnswers } from './denied-answers.js';
import type { RequestLimits } from './request-limits.js';
import type { RouteLimits } from './route-limits.js';

/** What the limits of a route do when the head of a request has arrived. */
export class ArrivalHooks {
  private readonly denied = new DeniedAnswers();

  constructor(private readonly limits: RequestLimits) {}

  /** Where the head of a request decides alone. */
  decide(own: RouteLimits): onRequestHookHandler {
    const { limits } = this;
    return this.concluding(
      (request, reply) => limits.decide(own, request, reply),
      (decision, request, reply) =>
        limits.note(own, request, reply, decision) ? undefined : () => limits.deny(own, reply, decision),
    );
  }

  /** Where a guard will decide: the head may suffice to deny it. */
  hold(own: RouteLimits): onRequestHookHandler {
    const { limits } = this;
    return this.concluding(
      (request, reply) => limits.holdAtArrival(own, request, reply),
      (denial, request, reply) => {
        if (!denial) return undefined;
        limits.note(own, request, reply, denial);
        return () => limits.deny(own, reply, denial);
      },
    );
  }

  private concluding<Said>(
    ask: (request: FastifyRequest, reply: FastifyReply) => Said | Promise<Said>,
    conclude: (said: Said, request: FastifyRequest, reply: FastifyReply) => Answer,
  ): onRequestHookHandler {
    return (request, reply, done) => {
      const go = (said: Said): void => {
        let answer: Answer;
        try {
          answer = conclude(said, request, reply);
        } catch (error) {
          // Nobody waits for the promise that this may run in: thrown on, it would end the process.
          return done(error as Error);
        }
        if (answer) this.denied.add(answer, done);
        else done();
      };
      const said = ask(request, reply);
      if (said instanceof Promise) said.then(go, done);
      else go(said);
    };
  }
}

/** How a request that may not go on is answered; undefined: it may. */
type Answer = (() => void) | undefined;
