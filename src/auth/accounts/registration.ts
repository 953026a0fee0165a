import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { type EmailAddress, Passwords, type User, Users } from '../../identity/index.js';
import { RegistrationMails } from './registration-mails.js';

/** Opens accounts. Whether an address has one already is told to its mailbox, never to the caller. */
@Injectable()
export class Registration {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly passwords: Passwords,
    private readonly mails: RegistrationMails,
  ) {}

  /**
   * @param onHashed called when the password was hashed, which costs more than all the rest
   * @returns the user of the address, and whether it is new; for logs, not for the caller
   * @throws PasswordPolicyError, OverloadedError, DatabaseUnavailableError, RedisUnavailableError
   */
  async perform(
    address: EmailAddress,
    password: string,
    onHashed: () => void,
  ): Promise<{ user: User; created: boolean }> {
    await this.mails.assertPossible();
    const phc = await this.passwords.hashNew(password, address.key);
    onHashed();
    return this.db.transaction(async (tx) => {
      const { user, created } = await this.users.register(tx, address, phc);
      await (created ? this.mails.verify(tx, user) : this.mails.alreadyThere(tx, user));
      return { user, created };
    });
  }
}
