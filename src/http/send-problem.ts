import type { FastifyReply } from 'fastify';
import { PROBLEM_TYPE, type Problem } from './problem.js';

export function sendProblem(reply: FastifyReply, { status, headers, body }: Problem): void {
  void reply.code(status).headers(headers).type(PROBLEM_TYPE).send(JSON.stringify(body));
}
