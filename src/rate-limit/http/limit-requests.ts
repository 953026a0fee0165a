import { Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { urlAsked } from '../../http/index.js';
import { ArrivalHooks } from './arrival-hooks.js';
import { GlobalRateLimitGuard, RateLimitGuard } from './rate-limit.guard.js';
import { RequestLimits } from './request-limits.js';
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
  const hooks = new ArrivalHooks(app.get(RequestLimits, { strict: false }));
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
    const hook = own?.atArrival ? hooks.decide(own) : hooks.hold(known);
    route.onRequest = [...(Array.isArray(others) ? others : [others]), hook];
  });
  const unmatched = hooks.decide(table.ofUnmatched());
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
