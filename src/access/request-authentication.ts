import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Metrics } from '../telemetry/index.js';
import type { AccessClaims } from './access-claims.js';
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
    if (!request.identity) await this.claims(request);
    return request.identity as Identity;
  }

  /**
   * As `identify` where nobody asked before, for whoever goes on watching the session and needs the epoch under which it
   * began.
   *
   * @throws as `identify`
   */
  async claims(request: FastifyRequest): Promise<AccessClaims> {
    try {
      const claims = await this.tokens.verify(bearerToken(request));
      note(request, claims);
      await this.liveness.assertInUse(claims);
      request.identity = identityOf(claims);
      this.count('allowed');
      return claims;
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

function identityOf(claims: AccessClaims): Identity {
  const { epoch: _, ...identity } = claims;
  return identity;
}

/** For the one line that the request will log, whatever becomes of it; the record is there only behind our HTTP door. */
function note({ record }: FastifyRequest, { userId, sessionId, tenantId }: AccessClaims): void {
  if (record) Object.assign(record, { userId, sessionId, tenantId });
}
