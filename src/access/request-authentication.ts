import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../kernel/time.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import { AccessTokens } from './access-tokens.js';
import { InvalidTokenError } from './access.errors.js';
import { bearerToken } from './bearer.js';
import type { Identity } from './identity.js';
import { TOUCH_AFTER_MS } from './session-store.js';
import { Sessions } from './sessions.js';

/** Finds out who a request is from: its token, then the session of the token. */
@Injectable()
export class RequestAuthentication {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly sessions: Sessions,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Once per request: what it learned stands on the request, and its ids in the request log.
   *
   * @throws InvalidTokenError, RedisUnavailableError, DatabaseUnavailableError
   */
  async identify(request: FastifyRequest): Promise<Identity> {
    if (request.identity) return request.identity;
    try {
      const { epoch, ...identity } = await this.tokens.verify(bearerToken(request));
      note(request, identity);
      await this.assertLive(identity, epoch);
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

  private async assertLive({ userId, sessionId }: Identity, epoch: number): Promise<void> {
    const check = await this.sessions.check(userId, sessionId, epoch);
    if (!check.live) throw new InvalidTokenError(check.reason);
    if (this.clock.nowMs() - check.lastSeenAtMs < TOUCH_AFTER_MS) return;
    // Beside the request: when it was last used must not cost it its answer. The next request tries again.
    this.sessions.touch(userId, sessionId).catch(() => undefined);
  }

  private count(outcome: string): void {
    this.metrics.accessChecks.child({ outcome }).inc();
  }
}

/** For the one line that the request will log, whatever becomes of it; the record is there only behind our HTTP door. */
function note({ record }: FastifyRequest, { userId, sessionId, tenantId }: Identity): void {
  if (record) Object.assign(record, { userId, sessionId, tenantId });
}
