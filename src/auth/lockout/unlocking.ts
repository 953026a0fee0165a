import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import { Lockouts, type User, Users } from '../../identity/index.js';
import { AppError } from '../../kernel/errors.js';
import { Lockout } from './lockout.js';
import { lockoutName } from './lockout-name.js';

/** Lifts every lock of an account and forgets its failures: after a new password, or on an administrator's word. */
@Injectable()
export class Unlocking {
  constructor(
    private readonly users: Users,
    private readonly records: Lockouts,
    private readonly lockout: Lockout,
  ) {}

  /**
   * With the transaction it is done: what Redis has holds no more, whether Redis can be told or not.
   *
   * @throws UserNotFoundError, DatabaseUnavailableError
   */
  async perform(tx: Sql, user: User): Promise<void> {
    await this.users.forgetFailures(tx, user.id);
    await this.records.lift(this.lockout.accountDigests(lockoutName(user.emailKey, user)), tx);
  }

  /**
   * For the sake of memory, after that was committed.
   *
   * @param user as it was before
   */
  async clear(user: User): Promise<void> {
    try {
      await this.lockout.unlock(lockoutName(user.emailKey, user));
    } catch (error) {
      // It ends by itself, a day after the last failure.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
