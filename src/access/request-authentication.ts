import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Metrics } from '../telemetry/index.js';
import { AccessTokens } from './access-tokens.js';
import { InvalidTokenError } from './access.errors.js';
import { bearerToken } from './bearer.js';
import type { Identity } from './identity.js';
import { TokenLiveness } from './token-liveness.js';

/** Finds out who a request is from: its token, then the session of the token. */
@Injectable()
export class RequestAuthentication {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly liveness: TokenLiveness,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Once per request: what it learned stands on the request, and its ids in the request log.
   *
   * @throws InvalidTokenError, RedisUnavailableError, DatabaseUnavailableError
   */
  async identify(request: FastifyRequest): Promise<Identity> {
    if (request.identity) return request.identity;
    try {
      const claims = await this.tokens.verify(bearerToken(request));
      const { epoch: _, ...identity } = claims;
      note(request, identity);
      await this.liveness.assertInUse(claims);
      request.identity = identity;
      this.count('allowed');
      return identity;
    } catch (error) {
      const denied = error instanceof InvalidTokenError;
      this.count(denied ? error.reason : 'unavailable');
      if (denied && request.record) request.record.accessDenied = error.reason;
      throw error;
    }
  }

  private count(outcome: string): void {
    this.metrics.accessChecks.child({ outcome }).inc();
  }
}

/** For the one line that the request will log, whatever becomes of it; the record is there only behind our HTTP door. */
function note({ record }: FastifyRequest, { userId, sessionId, tenantId }: Identity): void {
  if (record) Object.assign(record, { userId, sessionId, tenantId });
}
