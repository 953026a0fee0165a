import { Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { urlAsked } from '../../http/index.js';
import { GlobalRateLimitGuard, RateLimitGuard } from './rate-limit.guard.js';
import { RequestLimits } from './request-limits.js';
import type { RouteLimits } from './route-limits.js';
import { isBelowApi } from './unmatched-address.js';
import { RouteLimitError } from './route-faults.js';
import { RouteTable } from './route-table.js';

/**
 * Limits the requests of an application that imports RateLimitModule; called once, before it is initialised and after
 * whatever is to see denied requests as well. What the head of a request decides is decided as it arrives, before body
 * and guards; a guard is there only where some route needs it, after the application's other global guards.
 */
export function limitRequests(app: NestFastifyApplication): void {
  const modules = [...app.get(ModulesContainer).values()];
  if (!modules.some(({ providers }) => providers.has(RouteTable))) return;
  const table = app.get(RouteTable, { strict: false });
  const limits = app.get(RequestLimits, { strict: false });
  const instance = app.getHttpAdapter().getInstance();
  // Fastify wants the property declared, so that all requests have one shape.
  instance.decorateRequest('rateLimit');
  instance.decorateRequest('rateLimitHeld');
  table.markMethods();
  instance.addHook('onRoute', (route) => {
    const own = table.ofRoute(route);
    const known = own ?? table.inCommon(route);
    if (!known) return;
    if (route.config?.plain && !own?.atArrival) throw new RouteLimitError([plainFault(route.config.plain)]);
    if (own) route.config = { ...route.config, rateLimits: own };
    const others = route.onRequest ?? [];
    const hook = own?.atArrival ? atArrival(limits, own) : beforeGuard(limits, known);
    route.onRequest = [...(Array.isArray(others) ? others : [others]), hook];
  });
  const unmatched = atArrival(limits, table.ofUnmatched());
  instance.addHook('onRequest', function (request, reply, done) {
    if (request.is404 && isBelowApi(urlAsked(request))) unmatched.call(this, request, reply, done);
    else done();
  });
  for (const limit of table.sleeping) new Logger('RateLimit').warn(limit);
  if (table.needsGuard) {
    app.useGlobalGuards(new GlobalRateLimitGuard(app.get(RateLimitGuard, { strict: false })));
  }
}

/** Nobody would ask the guard, so that nothing would be counted. */
function plainFault({ owner, name }: { owner: { name: string }; name: string | symbol }): string {
  return (
    `${owner.name}.${String(name)}: its rate limit is decided by a guard, and @PlainRoute has none; name a policy that counts ` +
    'by what the head of a request says, or remove @PlainRoute'
  );
}

/** What the head of a request decides alone. */
function atArrival(limits: RequestLimits, own: RouteLimits): onRequestHookHandler {
  return concluding(
    (request, reply) => limits.decide(own, request, reply),
    (decision, request, reply) =>
      limits.note(own, request, reply, decision) ? undefined : () => limits.deny(own, reply, decision),
  );
}

/** What a guard will decide: the head may suffice to deny it. */
function beforeGuard(limits: RequestLimits, own: RouteLimits): onRequestHookHandler {
  return concluding(
    (request, reply) => limits.holdAtArrival(own, request, reply),
    (denial, request, reply) => {
      if (!denial) return undefined;
      limits.note(own, request, reply, denial);
      return () => limits.deny(own, reply, denial);
    },
  );
}

/** How a request that may not go on is answered; undefined: it may. */
type Answer = (() => void) | undefined;

function concluding<Said>(
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
      if (answer) afterArrivals(answer, done);
      else done();
    };
    const said = ask(request, reply);
    if (said instanceof Promise) said.then(go, done);
    else go(said);
  };
}

/**
 * Answers when all that has arrived by now has been read: whom a limit lets in comes first, and the answers of a flood
 * leave together. Each by itself wakes up its reader, which costs more than all that is done for it here.
 *
 * @param failed told of what the answer throws
 */
function afterArrivals(answer: () => void, failed: (error: Error) => void): void {
  // One call each, so that hooks that see the answer run in the async context of its request.
  setImmediate(() => {
    try {
      answer();
    } catch (error) {
      failed(error as Error);
    }
  });
}
