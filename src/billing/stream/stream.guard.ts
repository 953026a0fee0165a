import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OpenStreams } from './open-streams.js';
import { StreamAccess } from './stream-access.js';

/** Lets in whoever may open a stream, while there is room for it. Stands above the quota, which counts by who it is. */
@Injectable()
export class StreamGuard implements CanActivate {
  constructor(
    private readonly streams: OpenStreams,
    private readonly access: StreamAccess,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    // Costs nothing, so it comes before Redis is asked who it is.
    this.streams.admit(request, reply);
    await this.access.identify(request, reply);
    return true;
  }
}
