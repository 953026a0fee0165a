import { Injectable } from '@nestjs/common';
import { InvalidTokenError, Sessions } from '../../access/index.js';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import { Passwords, SecurityEvents, type User, Users } from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { TokenInvalidError } from '../../security-tokens/index.js';
import { PASSWORD_CHANGED, RESET_PASSWORD } from '../auth.mails.js';
import { Unlocking } from '../lockout/unlocking.js';
import { AccountTokens } from './account-tokens.js';

/** The way to a new password for whoever has forgotten the old one. */
@Injectable()
export class PasswordReset {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly tokens: AccountTokens,
    private readonly mails: MailOutbox,
  ) {}

  /** @returns the user, if there is one that may have a new password; for logs, not for the caller */
  async begin(emailKey: string): Promise<User | undefined> {
    const user = await this.users.byEmailKey(emailKey);
    if (!user || user.disabled) {
      await this.tokens.pretend('passwordReset');
      return undefined;
    }
    await this.mail(user);
    return user;
  }

  /** @param also belongs into the transaction of the mail */
  async mail(user: User, also?: (tx: Sql) => Promise<void>): Promise<void> {
    const token = await this.tokens.passwordReset(user);
    await this.db.transaction(async (tx) => {
      await this.mails.add(tx, { template: RESET_PASSWORD, to: user.email, values: { token } });
      await also?.(tx);
    });
  }
}

/** By what a new password is chosen. A reset proves the mailbox as well, and nobody is trusted after it. */
export type PasswordWarrant =
  { readonly by: 'password-reset' } | { readonly by: 'password-changed'; readonly sessionId: string };

/** What ends with an old password, in SQL. */
@Injectable()
export class OldPasswordEnd {
  constructor(
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly unlocking: Unlocking,
  ) {}

  /**
   * @returns the epoch that holds from now on
   * @throws TokenInvalidError, InvalidTokenError where what allowed it has ended while the password was hashed;
   *   RedisUnavailableError
   */
  async perform(tx: Sql, user: User, warrant: PasswordWarrant): Promise<number> {
    const epoch = await this.users.bumpEpochOf(user, tx);
    if (warrant.by === 'password-reset') {
      if (epoch === undefined) throw new TokenInvalidError();
      await this.users.verifyEmail(tx, user.id, user.emailKey);
      await this.users.forgetDevices(tx, user.id);
    } else {
      if (epoch === undefined) throw new InvalidTokenError('other-epoch');
      const session = await this.sessions.check(user.id, warrant.sessionId, user.tokenEpoch);
      if (!session.live) throw new InvalidTokenError(session.reason);
    }
    await this.unlocking.perform(tx, user);
    return epoch;
  }
}

/** Gives a user a new password, with all that belongs to it. */
@Injectable()
export class PasswordChange {
  constructor(
    private readonly passwords: Passwords,
    private readonly oldEnd: OldPasswordEnd,
    private readonly events: SecurityEvents,
    private readonly mails: MailOutbox,
  ) {}

  /** @throws PasswordPolicyError for what no account could have */
  assertFit(password: string): void {
    this.passwords.assertFit(password);
  }

  /**
   * @param user as it was when the warrant was judged, which is judged again when the password is about to be kept
   * @returns the epoch that holds from now on
   * @throws PasswordPolicyError, OverloadedError, DatabaseUnavailableError, and as `OldPasswordEnd.perform`
   */
  perform(user: User, password: string, warrant: PasswordWarrant): Promise<number> {
    return this.passwords.change({ userId: user.id, password }, async (tx) => {
      const epoch = await this.oldEnd.perform(tx, user, warrant);
      await this.events.record(warrant.by, user.id, {}, tx);
      await this.mails.add(tx, { template: PASSWORD_CHANGED, to: user.email, values: {} });
      return epoch;
    });
  }
}
