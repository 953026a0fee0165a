import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { type EmailAddress, SecurityEvents, type User, Users } from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { TokenInvalidError } from '../../security-tokens/index.js';
import {
  ALREADY_REGISTERED,
  CHANGE_EMAIL,
  EMAIL_CHANGED,
  EMAIL_CHANGING,
  VERIFY_EMAIL,
} from '../auth.mails.js';
import { AccountTokens } from './account-tokens.js';

/** What is mailed about an address that is to be confirmed, or to become another one. */
@Injectable()
export class EmailMails {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly tokens: AccountTokens,
    private readonly mails: MailOutbox,
  ) {}

  /** @throws as `AccountTokens.assertPossible` */
  assertPossible(): Promise<void> {
    return this.tokens.assertPossible();
  }

  async confirm(user: User): Promise<void> {
    const token = await this.tokens.verification(user);
    await this.db.transaction((tx) =>
      this.mails.add(tx, { template: VERIFY_EMAIL, to: user.email, values: { token } }),
    );
  }

  /** The new address hears how to become the user's; the old one that it is to go. */
  async change(user: User, address: EmailAddress): Promise<void> {
    const taken = await this.users.byEmailKey(address.key);
    // Issued for both, so that the time does not tell; the older one ends in both.
    const token = await this.tokens.verification(user, address);
    await this.db.transaction(async (tx) => {
      await this.mails.add(tx, { template: EMAIL_CHANGING, to: user.email, values: {} });
      if (taken) await this.mails.add(tx, { template: ALREADY_REGISTERED, to: address.email, values: {} });
      else await this.mails.add(tx, { template: CHANGE_EMAIL, to: address.email, values: { token } });
    });
  }
}

/** What a confirmed token does. */
@Injectable()
export class EmailConfirmation {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly events: SecurityEvents,
    private readonly mails: MailOutbox,
  ) {}

  /** @throws TokenInvalidError where the address is not the user's any more */
  async present(user: User): Promise<void> {
    await this.db.transaction(async (tx) => {
      if (!(await this.users.verifyEmail(tx, user.id, user.emailKey))) throw new TokenInvalidError();
      await this.events.record('email-verified', user.id, {}, tx);
    });
  }

  /**
   * @returns the epoch that holds from now on: every session ends with the address that it began under
   * @throws TokenInvalidError where somebody else has the address by now, which is nobody's business, or the token has ended
   */
  async other(user: User, address: EmailAddress): Promise<number> {
    return this.db.transaction(async (tx) => {
      const epoch = await this.users.bumpEpochOf(user, tx);
      if (epoch === undefined) throw new TokenInvalidError();
      if ((await this.users.changeEmail(tx, user.id, address)) !== 'changed') throw new TokenInvalidError();
      await this.events.record('email-changed', user.id, {}, tx);
      await this.mails.add(tx, { template: EMAIL_CHANGED, to: user.email, values: {} });
      return epoch;
    });
  }
}
