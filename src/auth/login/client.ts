import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Where a request comes from, as far as it can be known. */
export interface Client {
  /** By TRUST_PROXY, never by a header alone. */
  readonly address: string;
  readonly userAgent: string | undefined;
}

const LONGEST_USER_AGENT = 300;

export function clientOf(request: FastifyRequest): Client {
  const { 'user-agent': userAgent } = request.headers;
  return { address: request.ip, userAgent: userAgent?.slice(0, LONGEST_USER_AGENT) };
}

/** The Client of the request. */
export const RequestClient = createParamDecorator((_: unknown, context: ExecutionContext): Client =>
  clientOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
