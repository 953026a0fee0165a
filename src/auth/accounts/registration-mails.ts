import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import type { User } from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { ALREADY_REGISTERED, VERIFY_EMAIL } from '../auth.mails.js';
import { AccountTokens } from './account-tokens.js';

@Injectable()
export class RegistrationMails {
  constructor(
    private readonly tokens: AccountTokens,
    private readonly mails: MailOutbox,
  ) {}

  /** @throws as `AccountTokens.assertPossible` */
  assertPossible(): Promise<void> {
    return this.tokens.assertPossible();
  }

  /** The token is issued inside the transaction: where Redis is away there is no account without a way to confirm it. */
  async verify(tx: Sql, user: User): Promise<void> {
    const token = await this.tokens.verification(user);
    await this.mails.add(tx, { template: VERIFY_EMAIL, to: user.email, values: { token } });
  }

  async alreadyThere(tx: Sql, { email }: User): Promise<void> {
    await this.tokens.pretend('emailVerification');
    await this.mails.add(tx, { template: ALREADY_REGISTERED, to: email, values: {} });
  }
}
