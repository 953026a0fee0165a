import { Injectable } from '@nestjs/common';
import {
  type SecurityEventKind,
  SecurityEvents,
  type User,
  UserNotFoundError,
  Users,
} from '../../identity/index.js';
import { type AuthEventName, AuthEvents } from '../auth-events.js';
import { AccountDisabledError } from '../auth.errors.js';
import { AdminPowers } from './admin-powers.js';

/** Who says so, and why. */
export interface AdminWord {
  readonly actorId: string;
  /** A fixed word. */
  readonly reason: string;
}

/** Each act is done, kept as a security event of the user, and logged with who did it. */
@Injectable()
export class AdminActs {
  constructor(
    private readonly users: Users,
    private readonly powers: AdminPowers,
    private readonly securityEvents: SecurityEvents,
    private readonly events: AuthEvents,
  ) {}

  /** @throws AccountDisabledError: the token that would be mailed opens nothing before the account is enabled */
  async reset(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    if (user.disabled) throw new AccountDisabledError();
    await this.powers.mailReset(user);
    await this.note(user, by, ['admin-reset', 'password-reset-started']);
  }

  async unlock(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.powers.unlock(user);
    await this.note(user, by, ['admin-unlock', 'account-unlocked']);
  }

  async disable(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.powers.end(user, await this.users.disable(user.id));
    await this.note(user, by, ['admin-disable', 'account-disabled']);
  }

  async enable(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.users.enable(user.id);
    await this.note(user, by, ['admin-enable', 'account-enabled']);
  }

  async revoke(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.powers.end(user, await this.users.bumpEpoch(user.id));
    await this.note(user, by, ['admin-revoke', 'sessions-revoked']);
  }

  private async find(userId: string): Promise<User> {
    const user = await this.users.byId(userId);
    if (!user) throw new UserNotFoundError();
    return user;
  }

  private async note(
    { id: userId }: User,
    { actorId, reason }: AdminWord,
    [event, kind]: readonly [AuthEventName, SecurityEventKind],
  ): Promise<void> {
    await this.securityEvents.record(kind, userId, { actor: actorId, reason });
    this.events.note({ event, result: 'ok', reason, userId, actorId });
  }
}
