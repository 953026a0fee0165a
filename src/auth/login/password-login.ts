import { Injectable } from '@nestjs/common';
import { type EmailAddress, Passwords, type User, Users } from '../../identity/index.js';
import { KnownDevices } from '../devices/known-devices.js';
import type { LoginOrigin } from '../throttle/login-gate.js';
import { TooManyAttemptsError } from '../throttle/too-many-attempts.error.js';
import { type CountedAttempt, LoginAttempts } from './login-attempts.js';

export interface PasswordAttempt {
  readonly address: EmailAddress;
  readonly password: string;
  /** Of the client. */
  readonly from: string;
  /** Whatever the device sent as its token. */
  readonly deviceToken: string | undefined;
}

export interface AttemptResult {
  /** Undefined: nobody has the address. */
  readonly user: User | undefined;
  /** Why nobody gets in; undefined: the password is the user's. An error: the password was not looked at. */
  readonly refused: 'mismatch' | 'locked' | TooManyAttemptsError | undefined;
}

/**
 * Whether a password is that of an account. Whoever is not let in learns nothing: an unknown address, a wrong password
 * and a locked account cost the same statements, the same scripts and the same hash.
 */
@Injectable()
export class PasswordLogin {
  constructor(
    private readonly users: Users,
    private readonly devices: KnownDevices,
    private readonly attempts: LoginAttempts,
    private readonly passwords: Passwords,
  ) {}

  /**
   * The attempt is counted as a failure before the password is looked at, and taken back where it was none.
   *
   * @throws OverloadedError, RedisUnavailableError, DatabaseUnavailableError (503)
   */
  async check({ address, password, from, deviceToken }: PasswordAttempt): Promise<AttemptResult> {
    const user = await this.users.byEmailKey(address.key);
    const deviceId = await this.devices.isKnown(user, deviceToken);
    const attempt = await this.reserve({ accountKey: address.key, address: from, deviceId }, user);
    if (attempt instanceof TooManyAttemptsError) return { user, refused: attempt };
    const matches = (await this.verify(attempt, user, password)) === 'match';
    if (matches && !attempt.locked) await this.attempts.matched(attempt);
    else await this.attempts.mismatched(attempt, user);
    return { user, refused: attempt.locked ? 'locked' : matches ? undefined : 'mismatch' };
  }

  private async reserve(
    origin: LoginOrigin,
    user: User | undefined,
  ): Promise<CountedAttempt | TooManyAttemptsError> {
    try {
      return await this.attempts.reserve(origin, user);
    } catch (error) {
      if (error instanceof TooManyAttemptsError) return error;
      throw error;
    }
  }

  private async verify(
    attempt: CountedAttempt,
    user: User | undefined,
    password: string,
  ): Promise<'match' | 'mismatch'> {
    try {
      return await this.passwords.verify(user?.id, password);
    } catch (error) {
      // What cannot be told to Redis now stays counted: the strict side.
      await this.attempts.unasked(attempt).catch(() => undefined);
      throw error;
    }
  }
}
