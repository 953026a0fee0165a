import { Injectable } from '@nestjs/common';
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

  mailReset(user: User): Promise<void> {
    return this.reset.mail(user);
  }

  unlock({ emailKey }: User): Promise<void> {
    return this.attempts.unlock(emailKey);
  }

  /** @param epoch that has been committed; undefined: there is no such user any more */
  async end({ id }: User, epoch: number | undefined): Promise<void> {
    if (epoch !== undefined) await this.sessions.olderThan(epoch, id);
  }
}
