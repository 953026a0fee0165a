import { Header } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';

/** For every answer that holds a token: neither a browser nor a proxy may keep it. Problems have it anyway. */
export const NoStore = (): MethodDecorator => Header('Cache-Control', 'no-store');

/** Another limit than BODY_LIMIT_BYTES for one route, such as a webhook with large events. */
export const BodyLimit = (bodyLimitBytes: number): MethodDecorator => RouteConfig({ bodyLimitBytes });
