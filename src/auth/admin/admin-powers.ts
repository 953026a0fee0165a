import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import type { User } from '../../identity/index.js';
import { PasswordReset } from '../accounts/password-flows.js';
import { SessionsEnd } from '../accounts/sessions-end.js';
import { LoginAttempts } from '../login/login-attempts.js';

/** What an administrator's word reaches beside SQL. */
@Injectable()
export class AdminPowers {
  constructor(
    private readonly reset: PasswordReset,
    private readonly attempts: LoginAttempts,
    private readonly sessions: SessionsEnd,
  ) {}

  /** @param also belongs into the transaction of the mail */
  mailReset(user: User, also: (tx: Sql) => Promise<void>): Promise<void> {
    return this.reset.mail(user, also);
  }

  /** @throws RedisUnavailableError; then nothing is to be committed */
  unlock({ emailKey }: User, tx: Sql): Promise<void> {
    return this.attempts.unlock(emailKey, tx);
  }

  /** @param epoch that has been committed */
  end({ id }: User, epoch: number): Promise<void> {
    return this.sessions.olderThan(epoch, id);
  }
}
