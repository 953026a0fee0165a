import { FastifyAdapter } from '@nestjs/platform-fastify';
import { answerConnectionError } from './connection-errors.js';
import type { HttpSettings } from './http.config.js';
import { requestIdOf } from './request-id.js';
import { answerRouterError } from './router-refusals.js';
import { fastifyTrustProxy } from './trust-proxy.js';

/** Slow headers are the cheapest attack; no honest client needs longer. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for requests that are late; its default of 30 s would outlast our limits. */
const CHECK_INTERVAL_MS = 2_000;
/** Of one part of an address that is a parameter: the longest id that anybody may have, of an object at Stripe. */
const LONGEST_PARAMETER = 255;

export function createFastifyAdapter(settings: HttpSettings): FastifyAdapter {
  const { requestTimeoutMs } = settings;
  return new FastifyAdapter({
    trustProxy: fastifyTrustProxy(settings.trustProxy),
    bodyLimit: settings.bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: settings.connectionTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    requestIdHeader: false,
    genReqId: requestIdOf,
    // While closing, requests on open connections are still served, with `Connection: close`: Redis is there
    // until the last one is answered, and Fastify's own 503 is not a problem document.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => answerConnectionError(error, socket),
    frameworkErrors: answerRouterError,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    http: {
      maxHeaderSize: settings.headerLimitBytes,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
  });
}
