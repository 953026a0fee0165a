import { Injectable, Logger } from '@nestjs/common';
import { Metrics } from '../telemetry/index.js';

/** Closed, because alerts are made of these words. */
export type AuthEventName =
  | 'login'
  | 'refresh'
  | 'logout'
  | 'logout-all'
  | 'logout-others'
  | 'session-revoked'
  | 'tenant-switch'
  | 'register'
  | 'email-send'
  | 'email-verify'
  | 'email-change'
  | 'password-forgot'
  | 'password-confirm'
  | 'password-change'
  | 'tenant-rename'
  | 'role-change'
  | 'member-remove'
  | 'invite'
  | 'invitation-withdraw'
  | 'invitation-accept'
  | 'admin-reset'
  | 'admin-unlock'
  | 'admin-disable'
  | 'admin-enable'
  | 'admin-revoke'
  | 'service-token'
  | 'service-token-revoked'
  | 'service-account-created'
  | 'service-account-disabled'
  | 'service-account-enabled'
  | 'service-account-key';

/** Ids and fixed words: an event holds no address, no e-mail and no token. */
export interface AuthEvent {
  readonly event: AuthEventName;
  readonly result: 'ok' | 'refused' | 'denied';
  /** Why it was refused: a fixed word. */
  readonly reason?: string;
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** Of refresh tokens. */
  readonly familyId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Who did it to the user, where that was somebody else. */
  readonly actorId?: string | undefined;
}

/** One structured line and one count for everything that happens to somebody's identity. */
@Injectable()
export class AuthEvents {
  private readonly logger = new Logger('Auth');

  constructor(private readonly metrics: Metrics) {}

  note({ event, result, reason, ...ids }: AuthEvent): void {
    const { userId, sessionId, familyId, tenantId, actorId } = ids;
    const facts = {
      event,
      result,
      reason,
      user_id: userId,
      session_id: sessionId,
      family: familyId,
      tenant_id: tenantId,
      actor_id: actorId,
    };
    this.logger.log(`${event} ${result}`, facts);
    this.metrics.authEvents.inc({ event, result, reason: reason ?? '' });
  }
}
