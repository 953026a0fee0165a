import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type PlainMethod, assertPlain } from './plain-route-faults.js';
import { withRouteConfig } from './route.decorators.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `@PlainRoute`. */
    plain?: PlainMethod;
  }
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * For a route that is asked thousands of times a second: Fastify calls the method itself, with request and reply, and the
 * method sends the answer. The hooks of the door hold (request log, metrics, body limit, limits by what the head says), and
 * what it throws, or sends, as an error becomes a problem document. Nothing of Nest's stands before it: no guard, no pipe, no
 * interceptor, no `@Header`. What one of them would decide, the method asks itself; a route that declares one refuses the start.
 */
export const PlainRoute = (): MethodDecorator => (target, name, descriptor) =>
  withRouteConfig({ plain: { owner: target.constructor as PlainMethod['owner'], name } })(
    target,
    name,
    descriptor,
  );

/** Must run before the routes are registered, which throws PlainRouteError then. */
export function servePlainRoutes(app: NestFastifyApplication): void {
  const instance = app.getHttpAdapter().getInstance();
  instance.addHook('onRoute', (route) => {
    const { plain } = route.config ?? {};
    if (!plain) return;
    assertPlain(plain);
    const owner = app.get<object>(plain.owner, { strict: false });
    const method = Reflect.get(owner, plain.name) as Answer;
    // Returns nothing, whatever the method does: Fastify waits for what it sends.
    route.handler = (request, reply) => {
      method.call(owner, request, reply);
    };
  });
}
