import { Injectable } from '@nestjs/common';
import type { User } from '../../identity/index.js';
import { AppError } from '../../kernel/errors.js';
import { AuthEvents } from '../auth-events.js';
import { KnownDevices } from '../devices/known-devices.js';
import { Unlocking } from '../lockout/unlocking.js';
import { SessionsEnd } from './sessions-end.js';

/**
 * What follows a new password that has been committed: Redis is told of what stands in SQL already. None of it may make the
 * change look as if it had failed.
 */
@Injectable()
export class PasswordAftermath {
  constructor(
    private readonly sessions: SessionsEnd,
    private readonly devices: KnownDevices,
    private readonly unlocking: Unlocking,
    private readonly events: AuthEvents,
  ) {}

  /** @param keepSessionId the one that asked for the change; undefined: a reset, after which nobody is trusted any more */
  async of(user: User, epoch: number, keepSessionId?: string): Promise<void> {
    const event = keepSessionId === undefined ? 'password-confirm' : 'password-change';
    this.events.note({ event, result: 'ok', userId: user.id, sessionId: keepSessionId });
    await this.sessions.olderThan(epoch, user.id, keepSessionId);
    await this.unlocking.clear(user);
    if (keepSessionId === undefined) await this.forgetDevices(user);
  }

  private async forgetDevices({ id }: User): Promise<void> {
    try {
      await this.devices.forgetAll(id);
    } catch (error) {
      // They are strangers already.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
