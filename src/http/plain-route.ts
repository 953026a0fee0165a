import { RouteConfig, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `@PlainRoute`. */
    plain?: PlainMethod;
  }
}

interface PlainMethod {
  readonly owner: abstract new (...args: never[]) => object;
  readonly name: string | symbol;
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * For a route that is asked thousands of times a second: Fastify calls the method itself, with request and reply, and the
 * method sends the answer. The hooks of the door hold (request log, metrics, body limit, limits by what the head says), and
 * what it throws, or sends, as an error becomes a problem document. Nothing of Nest's stands before it: no guard, no pipe, no
 * interceptor, no `@Header`. What one of them would decide, the method asks itself.
 */
export const PlainRoute = (): MethodDecorator => (target, name, descriptor) =>
  withRouteConfig({ plain: { owner: target.constructor as PlainMethod['owner'], name } })(
    target,
    name,
    descriptor,
  );

/** Adds to what other decorators have set. */
export const withRouteConfig =
  (config: FastifyContextConfig): MethodDecorator =>
  (target, name, descriptor) => {
    const others = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as
      FastifyContextConfig | undefined;
    RouteConfig({ ...others, ...config })(target, name, descriptor);
  };

/** Must run before the routes are registered. */
export function servePlainRoutes(app: NestFastifyApplication): void {
  const instance = app.getHttpAdapter().getInstance();
  instance.addHook('onRoute', (route) => {
    const { plain } = route.config ?? {};
    if (!plain) return;
    const owner = app.get<object>(plain.owner, { strict: false });
    const method = Reflect.get(owner, plain.name) as Answer;
    // Returns nothing, so that Fastify waits for what the method sends.
    route.handler = (request, reply) => method.call(owner, request, reply);
  });
}
