import { Header } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

/** Adds to what other decorators have set. */
export const withRouteConfig =
  (config: FastifyContextConfig): MethodDecorator =>
  (target, name, descriptor) => {
    const others = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as
      FastifyContextConfig | undefined;
    RouteConfig({ ...others, ...config })(target, name, descriptor);
  };

/** For every answer that holds a token: neither a browser nor a proxy may keep it. Problems have it anyway. */
export const NoStore = (): MethodDecorator => Header('Cache-Control', 'no-store');

/** Another limit than BODY_LIMIT_BYTES for one route, such as a webhook with large events. */
export const BodyLimit = (bodyLimitBytes: number): MethodDecorator => withRouteConfig({ bodyLimitBytes });

/**
 * For a route that verifies a signature over the bytes before it reads them: JSON is the media type as elsewhere, and the
 * body is not parsed, so that it costs nothing to whoever cannot sign. `@RawBody()` gives the bytes to the handler.
 *
 * @param bodyLimitBytes in place of BODY_LIMIT_BYTES
 */
export const RawBodyOnly = (bodyLimitBytes: number): MethodDecorator =>
  withRouteConfig({ bodyLimitBytes, rawBodyOnly: true });
