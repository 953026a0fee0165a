import { Inject, Injectable } from '@nestjs/common';
import { ForbiddenError, InvalidTokenError, Sessions } from '../../access/index.js';
import { Grants, ROLES, type Role } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { OneTimeTokens, TokenInvalidError } from '../../security-tokens/index.js';
import { CLOCK } from '../../telemetry/index.js';
import type { StreamPass } from './stream-cookie.js';
import type { StreamIdentity } from './stream-identity.js';

export interface StreamTicket {
  readonly ticket: string;
  readonly expiresInSeconds: number;
}

/**
 * How a browser gets its cookie: a page that has an access token asks for a ticket, and shows it once. What was true when
 * it was issued is looked at again when it is shown.
 */
@Injectable()
export class StreamTickets {
  constructor(
    private readonly tokens: OneTimeTokens,
    private readonly sessions: Sessions,
    private readonly grants: Grants,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws InvalidTokenError where the session has just ended
   * @throws RedisUnavailableError, DatabaseUnavailableError
   */
  async issue({ userId, tenantId, sessionId, epoch, role }: StreamIdentity): Promise<StreamTicket> {
    const session = await this.sessions.get(userId, sessionId);
    if (!session) throw new InvalidTokenError('unknown-session');
    const data = { tenantId, sessionId, role, epoch: `${epoch}`, sessionEndsAtMs: `${session.endsAtMs}` };
    const { token, expiresAtMs } = await this.tokens.issue('streamTicket', { subject: userId, data });
    const leftMs = expiresAtMs - this.clock.nowMs();
    return { ticket: token, expiresInSeconds: Math.max(1, Math.floor(leftMs / 1000)) };
  }

  /**
   * @param ticket whatever was sent
   * @throws TokenInvalidError (400), TokenInUseError (409); InvalidTokenError (401) where the session has ended,
   *   ForbiddenError (403) where the user is no member of the tenant any more
   * @throws RedisUnavailableError, DatabaseUnavailableError; the ticket may be shown again
   */
  redeem(ticket: unknown): Promise<StreamPass> {
    return this.tokens.use('streamTicket', ticket, async ({ subject: userId, data }) => {
      const { tenantId = '', sessionId = '', epoch, sessionEndsAtMs } = data;
      const role = ROLES.find((one) => one === data.role);
      if (!role) throw new TokenInvalidError();
      const times = { endsAtMs: 0, sessionEndsAtMs: Number(sessionEndsAtMs) };
      const pass = { userId, tenantId, sessionId, role, epoch: Number(epoch), ...times };
      await this.assertLive(pass);
      return { ...pass, role: await this.roleOf(pass) };
    });
  }

  /** @throws InvalidTokenError where the session has ended, RedisUnavailableError, DatabaseUnavailableError */
  async assertLive({ userId, sessionId, epoch }: StreamIdentity): Promise<void> {
    const check = await this.sessions.check(userId, sessionId, epoch);
    if (!check.live) throw new InvalidTokenError(check.reason);
    // A page that watches its stream uses its session.
    this.sessions.noteUse(userId, sessionId, check);
  }

  /** @throws ForbiddenError where the user may not read this tenant any more, DatabaseUnavailableError */
  async roleOf({ userId, tenantId }: StreamIdentity): Promise<Role> {
    const grant = await this.grants.find(userId, tenantId);
    if (!grant || grant.user.disabled || !grant.user.verified)
      throw new ForbiddenError('You are no member of this tenant any more.');
    return grant.role;
  }
}
