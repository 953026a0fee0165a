import { Injectable } from '@nestjs/common';
import { type SecurityEventKind, type User, UserNotFoundError, Users } from '../../identity/index.js';
import { type AuthEventName, AuthEvents } from '../auth-events.js';
import { AccountDisabledError } from '../auth.errors.js';
import { type Act, RecordedActs } from '../recorded-acts.js';
import { AdminPowers } from './admin-powers.js';

/** Who says so, and why. */
export interface AdminWord {
  readonly actorId: string;
  /** A fixed word. */
  readonly reason: string;
}

/** Each act is done and kept as a security event of the user in one transaction, then logged with who did it. */
@Injectable()
export class AdminActs {
  constructor(
    private readonly users: Users,
    private readonly powers: AdminPowers,
    private readonly acts: RecordedActs,
    private readonly events: AuthEvents,
  ) {}

  /** @throws AccountDisabledError: the token that would be mailed opens nothing before the account is enabled */
  async reset(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    if (user.disabled) throw new AccountDisabledError();
    const act = actOf(user, by, 'password-reset-started');
    await this.powers.mailReset(user, (tx) => this.acts.record(tx, act));
    this.note('admin-reset', user, by);
  }

  async unlock(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.acts.perform(actOf(user, by, 'account-unlocked'), (tx) => this.powers.unlock(user, tx));
    this.note('admin-unlock', user, by);
    await this.powers.clearLock(user);
  }

  async disable(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    const epoch = await this.acts.perform(actOf(user, by, 'account-disabled'), (tx) =>
      this.users.disable(user.id, tx),
    );
    this.note('admin-disable', user, by);
    await this.powers.end(user, epoch);
  }

  async enable(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    await this.acts.perform(actOf(user, by, 'account-enabled'), (tx) => this.users.enable(user.id, tx));
    this.note('admin-enable', user, by);
  }

  async revoke(userId: string, by: AdminWord): Promise<void> {
    const user = await this.find(userId);
    const epoch = await this.acts.perform(actOf(user, by, 'sessions-revoked'), (tx) =>
      this.users.bumpEpoch(user.id, tx),
    );
    this.note('admin-revoke', user, by);
    await this.powers.end(user, epoch);
  }

  private async find(userId: string): Promise<User> {
    const user = await this.users.byId(userId);
    if (!user) throw new UserNotFoundError();
    return user;
  }

  private note(event: AuthEventName, { id: userId }: User, { actorId, reason }: AdminWord): void {
    this.events.note({ event, result: 'ok', reason, userId, actorId });
  }
}

function actOf({ id: userId }: User, { actorId: actor, reason }: AdminWord, kind: SecurityEventKind): Act {
  return { kind, userId, facts: { actor, reason } };
}
