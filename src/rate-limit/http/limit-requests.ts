import { Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
import type { RateLimitDecision } from '../decision.js';
import { GlobalRateLimitGuard, RateLimitGuard } from './rate-limit.guard.js';
import { RequestLimits } from './request-limits.js';
import type { RouteLimits } from './route-limits.js';
import { API_PREFIX, RouteTable } from './route-table.js';

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
  table.markMethods();
  instance.addHook('onRoute', (route) => {
    const own = table.ofRoute(route);
    const known = own ?? table.inCommon(route);
    if (!known) return;
    if (own) route.config = { ...route.config, rateLimits: own };
    const others = route.onRequest ?? [];
    const hook = own?.atArrival ? atArrival(limits, own) : beforeGuard(limits, known);
    route.onRequest = [...(Array.isArray(others) ? others : [others]), hook];
  });
  const unmatched = atArrival(limits, table.ofUnmatched());
  instance.addHook('onRequest', function (request, reply, done) {
    if (request.is404 && isBelowApi(request.url)) unmatched.call(this, request, reply, done);
    else done();
  });
  for (const limit of table.sleeping) new Logger('RateLimit').warn(limit);
  if (table.needsGuard) {
    app.useGlobalGuards(new GlobalRateLimitGuard(app.get(RateLimitGuard, { strict: false })));
  }
}

function atArrival(limits: RequestLimits, own: RouteLimits): onRequestHookHandler {
  const conclude = (
    decision: RateLimitDecision,
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): void => {
    let passes: boolean;
    try {
      passes = limits.note(own, request, reply, decision);
      if (!passes) limits.deny(own, reply, decision);
    } catch (error) {
      // Nobody waits for the promise that this may run in: thrown on, it would end the process.
      return done(error as Error);
    }
    if (passes) done();
  };
  return (request, reply, done) => {
    const decision = limits.decide(own, request, reply);
    if (!(decision instanceof Promise)) return conclude(decision, request, reply, done);
    decision.then((later) => conclude(later, request, reply, done), done);
  };
}

function beforeGuard(limits: RequestLimits, own: RouteLimits): onRequestHookHandler {
  return (request, reply, done) => {
    const denial = limits.denialAtArrival(own, request, reply);
    if (!denial) return done();
    limits.note(own, request, reply, denial);
    limits.deny(own, reply, denial);
  };
}

/** The address may be escaped, as the router allows it to be. */
function isBelowApi(url: string): boolean {
  if (url.startsWith(API_PREFIX)) return true;
  try {
    return url.includes('%') && decodeURI(url).startsWith(API_PREFIX);
  } catch {
    return false;
  }
}
