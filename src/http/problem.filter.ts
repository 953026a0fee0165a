import { type ArgumentsHost, Catch, type ExceptionFilter, Logger, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../kernel/errors.js';
import { pathOf, problemOf, statusOf } from './problem.js';
import { MethodNotAllowedError } from './route-methods.js';
import { routerErrorOf, urlAsked } from './router-refusals.js';
import { sendProblem } from './send-problem.js';

/**
 * The one exception filter. Nest hands it what handlers, guards and pipes throw and what Fastify raises before
 * them (body, media type, unknown address). Only faults of ours are logged: a compartment that is down would
 * otherwise write a line per request, and its change of state has been logged already.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    this.answer(thrown, host);
  }

  /** For filters of single routes that treat some errors in another way. */
  answer(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // The client left while it was sending: nobody to answer, and no fault of ours to log.
    if (thrown !== undefined && thrown === request.raw.errored) return;
    if (thrown instanceof AppError && request.record) Object.assign(request.record, thrown.record);
    const problem = problemOf(request.is404 ? unmatched(thrown, request) : thrown, {
      requestId: request.id,
      url: urlAsked(request),
    });
    if (problem.unexpected) {
      const route = request.routeOptions.url ?? 'unmatched';
      const error = thrown instanceof Error ? thrown : new Error(`a ${typeof thrown} was thrown`);
      this.logger.error('Request failed', { request_id: request.id, method: request.method, route, error });
    }
    // A stream that has begun cannot turn into a problem document: cutting it is the only honest sign.
    if (reply.sent || reply.raw.headersSent) reply.raw.destroy();
    else sendProblem(reply, problem);
  }
}

/** What is told to a request that no route fits. */
function unmatched(thrown: unknown, request: FastifyRequest): unknown {
  const { url, server } = request;
  const refused = routerErrorOf(request);
  // Whatever its body was: the address alone is reason enough. A fault of ours stays one.
  if (refused && statusOf(thrown) < 500) return refused;
  if (!(thrown instanceof NotFoundException)) return thrown;
  const methods = server.methodsAt?.(pathOf(url)) ?? [];
  return methods.length > 0 ? new MethodNotAllowedError(methods) : thrown;
}
