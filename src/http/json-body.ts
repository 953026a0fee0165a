import type { FastifyInstance, preParsingHookHandler } from 'fastify';
import { AppError } from '../kernel/errors.js';
import { isDeeperThan } from './json-depth.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of the body, for signatures over them; `@RawBody()` gives them to a handler. */
    rawBody?: Buffer;
    /** See `@RawBodyOnly`. */
    rawBodyOnly?: boolean;
  }
  interface FastifyContextConfig {
    /** See `@BodyLimit`. */
    bodyLimitBytes?: number;
    /** See `@RawBodyOnly`. */
    rawBodyOnly?: boolean;
  }
}

export class MalformedBodyError extends AppError {
  readonly code = 'MALFORMED_BODY';
  readonly status = 400;
  readonly slug = 'malformed-body';
  readonly title = 'The body is not valid JSON';
}

/** Far more than any body of a request needs, and far less than what ends a recursion. */
const MOST_LEVELS = 64;

export class NestedTooDeepError extends AppError {
  readonly code = 'NESTED_TOO_DEEP';
  readonly status = 400;
  readonly slug = 'nested-too-deep';
  readonly title = 'The body is nested too deep';
}

/**
 * JSON is the one media type; any other is 415. Nest's own parser is not used because it fixes the body limit
 * for all routes. Must run before the routes are registered.
 */
export function acceptJson(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  // 'error': a `__proto__` or `constructor.prototype` member is refused instead of dropped in silence.
  const parse = instance.getDefaultJsonParser('error', 'error');
  instance.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    request.rawBody = body;
    if (request.rawBodyOnly) return done(null, undefined);
    // Many clients name the type on a POST without a body; validation says what is missing.
    if (body.length === 0) return done(null, undefined);
    if (isDeeperThan(MOST_LEVELS, body))
      return done(
        new NestedTooDeepError(`The body has more than ${MOST_LEVELS} levels of lists and objects.`),
      );
    void parse(request, body.toString('utf8'), (error, value) => {
      if (error) done(new MalformedBodyError('The body is not valid JSON, or has a forbidden member.'));
      else done(null, value);
    });
  });
  // There from the start, so that requests of all routes have one shape.
  instance.decorateRequest('rawBodyOnly', false);
  instance.addHook('onRoute', (route) => {
    const { bodyLimitBytes, rawBodyOnly } = route.config ?? {};
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes;
    // The parser is one for all routes; a hook of this route alone tells it, so that no other route pays for it.
    if (rawBodyOnly) route.preParsing = [route.preParsing ?? [], markRawBodyOnly].flat();
  });
}

const markRawBodyOnly: preParsingHookHandler = (request, _reply, payload, done) => {
  request.rawBodyOnly = true;
  done(null, payload);
};
