import { Injectable } from '@nestjs/common';
import { FeatureDatabase, InjectDatabase } from '../database/index.js';
import { Administrators, type EmailAddress, Passwords, type User, Users } from '../identity/index.js';
import { ADMIN_DATABASE, BY_COMMAND_LINE } from './admin-modules.js';
import { UsageError } from './cli-context.js';
import type { PasswordInput } from './password-input.js';

/** Makes an administrator: of a new account, or of one that is there. */
@Injectable()
export class AdministratorMaker {
  constructor(
    @InjectDatabase(ADMIN_DATABASE) private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly passwords: Passwords,
    private readonly administrators: Administrators,
  ) {}

  /**
   * @param input asked only when the account can be opened
   * @returns id of the account
   * @throws UsageError where an account is there already
   * @throws PasswordPolicyError, OverloadedError, DatabaseUnavailableError
   */
  async open(address: EmailAddress, input: PasswordInput): Promise<string> {
    if (await this.users.byEmailKey(address.key)) throw taken();
    const phc = await this.passwords.hashNew(await input.newPassword(), address.key);
    return await this.db.transaction(async (tx) => {
      const { user, created } = await this.users.register(tx, address, phc);
      if (!created) throw taken();
      await this.users.verifyEmail(tx, user.id, address.key);
      await this.administrators.grant(tx, user.id, BY_COMMAND_LINE);
      return user.id;
    });
  }

  /**
   * Gives the rights to whoever has proven the address: anybody may have registered one that is not verified.
   *
   * @returns id of the account
   * @throws UsageError where there is none, or it is not verified, or disabled
   */
  async promote(address: EmailAddress): Promise<string> {
    return await this.db.transaction(async (tx) => {
      const user = await this.users.byEmailKey(address.key, tx);
      assertTrustworthy(user);
      await this.administrators.grant(tx, user.id, BY_COMMAND_LINE);
      return user.id;
    });
  }
}

function taken(): UsageError {
  return new UsageError('an account of this address exists; --existing gives it the rights');
}

function assertTrustworthy(user: User | undefined): asserts user is User {
  if (!user) throw new UsageError('there is no account of this address; leave --existing out to open it');
  if (user.disabled) throw new UsageError('the account of this address is disabled');
  if (!user.verified) {
    throw new UsageError(
      'nobody has verified the address of this account yet, so anybody may have opened it',
    );
  }
}
