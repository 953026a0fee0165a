import type { FastifyReply } from 'fastify';
import type { AppError } from '../kernel/errors.js';
import { PROBLEM_TYPE, appErrorFacts, membersOf, pathOf, wholeSeconds } from './problem.js';
import { urlAsked } from './router-refusals.js';

/**
 * A problem that may be told many thousand times a second: serialised once, but for where and when it happened. What is
 * sent is, byte by byte, what the exception filter sends for the same error.
 */
export class PreparedProblem {
  private readonly status: number;
  private readonly head: string;

  /** @param error any of those that differ in their occurrence, headers and wait only; it is not kept */
  constructor(error: AppError) {
    this.status = error.status;
    this.head = JSON.stringify(membersOf(appErrorFacts(error))).slice(0, -1);
  }

  /** @param headers of this occurrence, lower-case names */
  send(reply: FastifyReply, retryAfterMs: number, headers: Readonly<Record<string, string>>): void {
    const { request } = reply;
    const seconds = wholeSeconds(retryAfterMs);
    reply.code(this.status);
    reply.header('cache-control', 'no-store');
    reply.header('retry-after', String(seconds));
    reply.headers(headers);
    reply.type(PROBLEM_TYPE);
    // The path is the client's own text, so it is escaped; whoever made the id let harmless ones pass only.
    const occurrence = `,"instance":${JSON.stringify(pathOf(urlAsked(request)))},"request_id":${JSON.stringify(request.id)}`;
    void reply.send(`${this.head}${occurrence},"retry_after":${seconds}}`);
  }
}
