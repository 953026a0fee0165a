import { Injectable } from '@nestjs/common';
import { InvalidTokenError } from '../../access/index.js';
import { Passwords, type User, Users } from '../../identity/index.js';
import { type AuthEventName, AuthEvents } from '../auth-events.js';
import { InvalidCredentialsError } from '../auth.errors.js';

/** Asks whoever holds a session for the password as well, before something that a thief of the session would like. */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly users: Users,
    private readonly passwords: Passwords,
    private readonly events: AuthEvents,
  ) {}

  /**
   * @param event what is asked for; a wrong password is told under its name
   * @throws InvalidCredentialsError (401); the caller has spent a quota for it before
   */
  async assert(userId: string, password: string, event: AuthEventName): Promise<User> {
    const user = await this.users.byId(userId);
    if (!user) throw new InvalidTokenError('unknown-session');
    if ((await this.passwords.verify(userId, password)) === 'match') return user;
    this.events.note({ event, result: 'refused', reason: 'mismatch', userId });
    throw new InvalidCredentialsError();
  }
}
