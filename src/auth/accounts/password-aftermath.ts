import { Injectable, Logger } from '@nestjs/common';
import type { User } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { KnownDevices } from '../devices/known-devices.js';
import { LoginAttempts } from '../login/login-attempts.js';
import { SessionsEnd } from './sessions-end.js';
import { AppError } from '../../kernel/errors.js';

/** What follows a new password that has been committed. None of it may make the change look as if it had failed. */
@Injectable()
export class PasswordAftermath {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly sessions: SessionsEnd,
    private readonly devices: KnownDevices,
    private readonly attempts: LoginAttempts,
    private readonly events: AuthEvents,
  ) {}

  /** @param keepSessionId the one that asked for the change; undefined: a reset, after which nobody is trusted any more */
  async of(user: User, epoch: number, keepSessionId?: string): Promise<void> {
    const event = keepSessionId === undefined ? 'password-confirm' : 'password-change';
    this.events.note({ event, result: 'ok', userId: user.id, sessionId: keepSessionId });
    await this.sessions.olderThan(epoch, user.id, keepSessionId);
    try {
      // The lock first, as SQL has it too; that the devices are strangers stands there already.
      await this.attempts.unlock(user.emailKey);
      if (keepSessionId === undefined) await this.devices.forgetAll(user.id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.logger.warn('A password was changed, and a lock of its account could not be lifted', {
        user_id: user.id,
        reason: error.code,
      });
    }
  }
}
