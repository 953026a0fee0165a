import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AccessClaims } from './access-claims.js';

/** Who a request is from: verified token, live session. */
export type Identity = Omit<AccessClaims, 'epoch'>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by AccessGuard; undefined on routes that do not ask who it is. */
    identity?: Identity;
  }
}

/**
 * The Identity of the request. For routes with `@Authenticated()` or `@RequireScopes()`.
 *
 * @throws Error on any other route: a programming error, answered with 500
 */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): Identity => {
  const { identity, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!identity)
    throw new Error(`@CurrentUser() on ${routeOptions.url ?? 'a route'} without @Authenticated()`);
  return identity;
});
