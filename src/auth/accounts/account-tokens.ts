import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type User, Users, normalizeEmail, type EmailAddress } from '../../identity/index.js';
import { type Claim, OneTimeTokens, TokenInvalidError } from '../../security-tokens/index.js';

/** Data of a verification that brings a new address. */
const NEW_EMAIL = 'email';
/** Whose tokens take the place of each other, so that no number of them fills the server. */
const NOBODY = 'nobody';

/**
 * The one-time tokens that are mailed to users. Each is bound to the address and the epoch that its user had: what changes
 * the password or the address ends all of them, and work that was done once is not done again.
 */
@Injectable()
export class AccountTokens {
  constructor(
    private readonly tokens: OneTimeTokens,
    private readonly users: Users,
  ) {}

  /** @param newEmail the address that the user is to get; undefined: the present one is to be confirmed */
  async verification(user: User, newEmail?: EmailAddress): Promise<string> {
    const data = newEmail ? { [NEW_EMAIL]: newEmail.email } : {};
    const order = { subject: user.id, binding: bindingOf(user), data };
    return (await this.tokens.issue('emailVerification', order)).token;
  }

  async passwordReset(user: User): Promise<string> {
    const order = { subject: user.id, binding: bindingOf(user) };
    return (await this.tokens.issue('passwordReset', order)).token;
  }

  /** As much work as for somebody who has an account, for nobody. */
  async pretend(kind: 'emailVerification' | 'passwordReset'): Promise<void> {
    await this.tokens.issue(kind, { subject: randomUUID(), binding: randomUUID() });
  }

  /**
   * For whoever has a hash to make first: what an outage ends should end before it, since a try is given back until then
   * only. A token is issued, as a server that is full still reads.
   *
   * @throws RedisUnavailableError where none can be issued, DatabaseUnavailableError where SQL takes no writes
   */
  async assertPossible(): Promise<void> {
    await this.users.assertWritable();
    await this.tokens.issue('emailVerification', { subject: NOBODY, binding: NOBODY });
  }

  /** @throws TokenInvalidError, TokenInUseError, RedisUnavailableError, and what `work` throws: then the token still works */
  useVerification<T>(token: string, work: (user: User, newEmail?: EmailAddress) => Promise<T>): Promise<T> {
    return this.tokens.use('emailVerification', token, async (claim) => {
      const user = await this.owner(claim);
      const text = claim.data[NEW_EMAIL];
      return work(user, text === undefined ? undefined : normalizeEmail(text));
    });
  }

  /** @throws as `useVerification` */
  useReset<T>(token: string, work: (user: User) => Promise<T>): Promise<T> {
    return this.tokens.use('passwordReset', token, async (claim) => work(await this.owner(claim)));
  }

  private async owner(claim: Claim): Promise<User> {
    const user = await this.users.byId(claim.subject);
    if (!user || user.disabled || !claim.matchesBinding(bindingOf(user))) throw new TokenInvalidError();
    return user;
  }
}

function bindingOf({ emailKey, tokenEpoch }: User): string {
  return `${tokenEpoch} ${emailKey}`;
}
