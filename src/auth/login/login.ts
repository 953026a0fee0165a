import { Injectable } from '@nestjs/common';
import { type Grant, Grants, normalizeEmail } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { AccountDisabledError, InvalidCredentialsError } from '../auth.errors.js';
import { TooManyAttemptsError } from '../throttle/too-many-attempts.error.js';
import type { Client } from './client.js';
import { PasswordLogin } from './password-login.js';
import { type IssuedTokens, TokenIssuer } from './token-issuer.js';

export interface LoginRequest {
  readonly email: string;
  readonly password: string;
  readonly deviceToken: string | undefined;
  /** Undefined: the personal tenant. */
  readonly tenantId: string | undefined;
  readonly client: Client;
}

/** From a password to a session and its tokens. */
@Injectable()
export class Login {
  constructor(
    private readonly passwords: PasswordLogin,
    private readonly grants: Grants,
    private readonly issuer: TokenIssuer,
    private readonly events: AuthEvents,
  ) {}

  /**
   * @throws InvalidCredentialsError (401), AccountDisabledError (403, after the right password only),
   *   TooManyAttemptsError (429), OverloadedError, RedisUnavailableError, DatabaseUnavailableError (503)
   */
  async perform({ email, password, deviceToken, tenantId, client }: LoginRequest): Promise<IssuedTokens> {
    const address = normalizeEmail(email);
    // Refused by its form alone, which tells nothing about accounts.
    if (!address) throw this.refused('malformed');
    const attempt = { address, password, from: client.address, deviceToken };
    const { user, refused } = await this.passwords.check(attempt);
    if (refused instanceof TooManyAttemptsError) {
      this.events.note({ event: 'login', result: 'refused', reason: 'throttled', userId: user?.id });
      throw refused;
    }
    if (refused || !user) throw this.refused(refused ?? 'mismatch', user?.id);
    if (user.disabled) {
      this.events.note({ event: 'login', result: 'refused', reason: 'disabled', userId: user.id });
      throw new AccountDisabledError();
    }
    const grant = await this.grants.find(user.id, tenantId);
    if (!grant) throw this.refused('tenant', user.id);
    // The epoch as it was when the password was looked at: what ended everything since then ends this as well.
    return this.begin({ ...grant, user }, client, deviceToken);
  }

  private async begin(grant: Grant, client: Client, deviceToken: string | undefined): Promise<IssuedTokens> {
    const tokens = await this.issuer.begin(grant, { client, amr: ['pwd'], deviceToken });
    const { userId, sessionId, familyId, tenantId } = tokens;
    this.events.note({ event: 'login', result: 'ok', userId, sessionId, familyId, tenantId });
    return tokens;
  }

  private refused(reason: string, userId?: string): InvalidCredentialsError {
    this.events.note({ event: 'login', result: 'refused', reason, userId });
    return new InvalidCredentialsError();
  }
}
