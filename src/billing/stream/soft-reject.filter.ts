import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemFilter, hasEnded } from '../../http/index.js';
import { AppError } from '../../kernel/errors.js';
import { byeFrame } from './frame.js';
import { BillingStreamSettings } from './stream.config.js';
import { isEventSource } from './stream-request.js';

const COME_AGAIN_MS = 15_000;

/**
 * With BILLING_SSE_SOFT_REJECT: an EventSource closes for good on any answer but 200, so a browser that cannot be let in
 * now gets an empty stream that says when to come again. Who may not come at all is told so, as everywhere.
 */
@Catch()
@Injectable()
export class SoftRejectFilter implements ExceptionFilter {
  private readonly problems = new ProblemFilter();

  constructor(private readonly settings: BillingStreamSettings) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    const passes = thrown instanceof AppError && (thrown.status === 429 || thrown.status === 503);
    if (!this.settings.softReject || !passes || !isEventSource(request) || hasEnded(request, reply))
      return this.problems.answer(thrown, host);
    const waitMs = Math.max(COME_AGAIN_MS, thrown.retryAfterMs ?? 0);
    void reply
      .code(200)
      .headers({ ...thrown.headers, 'cache-control': 'no-cache, no-transform', connection: 'close' })
      .type('text/event-stream; charset=utf-8')
      .send(byeFrame(thrown.status === 429 ? 'limited' : 'unavailable', waitMs));
  }
}
