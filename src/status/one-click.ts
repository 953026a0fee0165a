import { Injectable, type OnModuleInit, UnsupportedMediaTypeException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `@OneClickRoute`. */
    oneClick?: boolean;
  }
}

/** The route takes the form of RFC 8058 as its body; every other route goes on to answer 415 to forms. */
export const OneClickRoute = (): MethodDecorator => RouteConfig({ oneClick: true, bodyLimitBytes: 1024 });

/** The body of a request that said `List-Unsubscribe=One-Click`. */
export class OneClick {}

const FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data'];
const PART = /name="?List-Unsubscribe"?\r?\n(?:[\w-]+:[^\r\n]*\r?\n)*\r?\nOne-Click\r?\n/i;

/** Reads the two forms that mail programs may send (RFC 8058 §3.1), for the routes that ask for it. */
@Injectable()
export class OneClickForms implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const instance = this.host.httpAdapter?.getInstance<FastifyInstance>();
    // The command line and tests of parts have no door.
    if (typeof instance?.addContentTypeParser !== 'function') return;
    for (const type of FORMS) {
      if (instance.hasContentTypeParser(type)) continue;
      instance.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (request, body, done) => {
        if (request.routeOptions.config.oneClick !== true)
          return done(new UnsupportedMediaTypeException('Send the body as application/json.'));
        done(null, isOneClick(body.toString('latin1')) ? new OneClick() : undefined);
      });
    }
  }
}

function isOneClick(text: string): boolean {
  return text.trim() === 'List-Unsubscribe=One-Click' || PART.test(text);
}
