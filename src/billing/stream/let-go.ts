import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** One for all. */
const NO_HEADERS: IncomingHttpHeaders = Object.freeze({});
const NO_RAW_HEADERS: string[] = [];
const SENT = 'sent';

/**
 * Lets go of the request that a stream was opened with, whose reply was taken over: a stream is open for hours, and what
 * it was asked with is larger than what it needs. Nor should anybody find its token in the memory all that time.
 *
 * @param response whose head was sent
 */
export function letGo(response: ServerResponse): void {
  const { req: message } = response;
  message.headers = NO_HEADERS;
  message.rawHeaders = NO_RAW_HEADERS;
  // Half a kilobyte that was sent; from now on Node looks whether there is one, and no further.
  Reflect.set(response, '_header', SENT);
  // Fastify waits for the end or a fault of every answer, with its request and its reply at hand; Node for the end alone.
  for (const listener of response.listeners('error') as (() => void)[]) {
    response.off('error', listener);
    response.off('finish', listener);
  }
  response.on('error', nothing);
}

/** A fault of the connection is seen by its end. */
function nothing(): void {}
