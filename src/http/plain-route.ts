import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../kernel/errors.js';
import { type PlainMethod, assertPlain } from './plain-route-faults.js';
import { statusOf } from './problem.js';
import { withRouteConfig } from './route.decorators.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `@PlainRoute`. */
    plain?: PlainMethod;
  }
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => void;
type Refused = (error: Error, request: FastifyRequest) => Promise<unknown>;

export interface PlainRouteOptions {
  /**
   * Name of a method of the controller that is asked, with error and request, what to answer where Fastify refuses the request
   * before the method (400, 413, 415). Its promise resolves with the error to tell.
   */
  readonly refused?: string;
}

/**
 * For a route that is asked thousands of times a second: Fastify calls the method itself, with request and reply, and the
 * method sends the answer. The hooks of the door hold (request log, metrics, body limit, limits by what the head says), and
 * what it throws, or sends, as an error becomes a problem document. Nothing of Nest's stands before it: no guard, no pipe, no
 * interceptor, no `@Header`. What one of them would decide, the method asks itself; a route that declares one refuses the start.
 */
export const PlainRoute =
  ({ refused }: PlainRouteOptions = {}): MethodDecorator =>
  (target, name, descriptor) =>
    withRouteConfig({ plain: { owner: target.constructor as PlainMethod['owner'], name, refused } })(
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
    if (plain.refused === undefined) return;
    const refused = Reflect.get(owner, plain.refused) as Refused;
    route.errorHandler = (error, request, reply) => {
      // What the method itself tells, and a fault of ours, are told as they are.
      if (error instanceof AppError || statusOf(error) >= 500) throw error;
      refused.call(owner, error, request).then(
        (told) => void reply.send(told),
        (fault: unknown) => void reply.send(fault),
      );
    };
  });
}
