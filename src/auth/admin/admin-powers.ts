import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import type { User } from '../../identity/index.js';
import { PasswordReset } from '../accounts/password-flows.js';
import { SessionsEnd } from '../accounts/sessions-end.js';
import { Unlocking } from '../lockout/unlocking.js';

/** What an administrator's word reaches beside SQL. */
@Injectable()
export class AdminPowers {
  constructor(
    private readonly reset: PasswordReset,
    private readonly unlocking: Unlocking,
    private readonly sessions: SessionsEnd,
  ) {}

  /** @param also belongs into the transaction of the mail */
  mailReset(user: User, also: (tx: Sql) => Promise<void>): Promise<void> {
    return this.reset.mail(user, also);
  }

  /** With the transaction it is done. */
  unlock(user: User, tx: Sql): Promise<void> {
    return this.unlocking.perform(tx, user);
  }

  /** What is left of the lock in Redis, where it holds no more. */
  clearLock(user: User): Promise<void> {
    return this.unlocking.clear(user);
  }

  /** @param epoch that has been committed */
  end({ id }: User, epoch: number): Promise<void> {
    return this.sessions.olderThan(epoch, id);
  }
}
