import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../kernel/time.js';
import {
  type CountSeries,
  type HistogramObserver,
  type Metrics,
  type RequestRecord,
  requestContext,
} from '../telemetry/index.js';
import { onRequestEnd } from './request-end.js';

declare module 'fastify' {
  interface FastifyRequest {
    record: RequestRecord;
  }
}

export interface RequestLogOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Route patterns that are asked every few seconds and logged at debug level. */
  readonly quietRoutes: readonly string[];
  /** Whether lower floors find the record of the request they run for (docs/adr/0009-request-context.md). */
  readonly followRequests: boolean;
}

/** What is left of a request until its answer has ended. */
interface Asked {
  readonly method: string;
  /** Never the URL: it is unbounded as a label and may hold a token as text. */
  readonly route: string;
  readonly record: RequestRecord;
  readonly response: ServerResponse;
}

/** A client that left before the answer; the status that nginx made customary. */
const CLIENT_GONE = 499;

/**
 * One line and one count per request, and the record that lower floors write to while it is served.
 *
 * The context is entered in `preHandler`, not when the request arrives: everything before it is ours and has
 * the record at hand, while the parser's stream events would drop a context that was entered earlier.
 */
export function recordRequests(instance: FastifyInstance, options: RequestLogOptions): void {
  const { clock } = options;
  const finish = createFinisher(options);
  // Here, so that it keeps what it is given: an event stream is open for hours, and Fastify's objects are done with.
  const finisher = (asked: Asked, startMs: number) => () => finish(asked, clock.monotonicMs() - startMs);
  // Fastify wants the property declared, so that all requests have one shape.
  instance.decorateRequest('record');
  instance.addHook('onRequest', (request, reply, done) => {
    const startMs = clock.monotonicMs();
    request.record = { requestId: request.id, redis: {} };
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    const route = request.routeOptions.url ?? 'unmatched';
    const asked = { method: request.method, route, record: request.record, response: reply.raw };
    // Not Fastify's onResponse, which never comes when the client leaves an event stream.
    onRequestEnd(request, reply, finisher(asked, startMs));
    done();
  });
  if (options.followRequests) {
    instance.addHook('preHandler', (request, _reply, done) => requestContext.run(request.record, done));
  }
}

function createFinisher({ metrics, quietRoutes, followRequests }: RequestLogOptions) {
  const logger = new Logger('Http');
  const quiet = new Set(quietRoutes);
  const series = new Map<string, { readonly count: CountSeries; readonly seconds: HistogramObserver }>();

  return ({ method, route, record, response }: Asked, ms: number): void => {
    const aborted = !response.writableEnded || neverSent(response);
    const status = aborted && !response.headersSent ? CLIENT_GONE : response.statusCode;

    const key = `${method} ${route} ${status}`;
    let known = series.get(key);
    if (!known) {
      const count = metrics.httpRequests.child({ method, route, status: String(status) });
      known = { count, seconds: metrics.httpDuration.child({ method, route }) };
      series.set(key, known);
    }
    known.count.inc();
    known.seconds.observe(ms / 1000);

    const fields = {
      method,
      route,
      status,
      ms: round(ms),
      request_id: record.requestId,
      rl_backend: record.rlBackend ?? 'none',
      rate_limit_state: record.rateLimitState ?? 'none',
      rate_limit_policy: record.rateLimitPolicy ?? 'none',
      ...(record.rateLimitDegraded ? { rate_limit_degraded: true } : {}),
      ...identity(record),
      ...(followRequests ? { redis: usage(record) } : {}),
      ...(aborted ? { aborted } : {}),
    };
    if (quiet.has(route)) logger.debug('Request', fields);
    else logger.log('Request', fields);
  };
}

/** Only where the route asked who it is. */
function identity({ userId, sessionId, tenantId, accessDenied }: RequestRecord): Record<string, string> {
  return {
    ...(userId === undefined ? {} : { user_id: userId }),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
    ...(accessDenied === undefined ? {} : { access_denied: accessDenied }),
  };
}

/** A list, because a purpose is a value: as a key, `securityTokens` would look like a secret's name. */
function usage({ redis }: RequestRecord): { purpose: string; calls: number; ms: number }[] {
  return Object.entries(redis).map(([purpose, { calls, ms }]) => ({ purpose, calls, ms: round(ms) }));
}

/** An answer that was written and waited behind another one of its connection until that was closed. */
function neverSent({ socket, writableFinished }: ServerResponse): boolean {
  return socket === null && !writableFinished;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
