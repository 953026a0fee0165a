import { Injectable, Module } from '@nestjs/common';
import type { Settings } from '../config/index.js';
import { FeatureDatabase, InjectDatabase } from '../database/index.js';
import { Administrators, type EmailAddress, Users, normalizeEmail } from '../identity/index.js';
import { EXIT } from '../kernel/errors.js';
import { ADMIN_DATABASE, ADMIN_MODULES, BY_COMMAND_LINE } from './admin-modules.js';
import { type ExitCode, UsageError } from './cli-context.js';
import { inContainer } from './in-container.js';
import type { Output } from './output.js';

export interface RevocationRequest {
  readonly email: string;
  readonly settings: Settings;
  readonly output: Output;
}

/** Takes the rights of an administrator back. */
@Injectable()
class AdministratorRevocation {
  constructor(
    @InjectDatabase(ADMIN_DATABASE) private readonly db: FeatureDatabase,
    private readonly users: Users,
    private readonly administrators: Administrators,
  ) {}

  /**
   * @returns id of the account
   * @throws UsageError where there is none, or it administers nothing; DatabaseUnavailableError
   */
  perform(address: EmailAddress): Promise<string> {
    return this.db.transaction(async (tx) => {
      const user = await this.users.byEmailKey(address.key, tx);
      if (!user) throw new UsageError('there is no account of this address');
      const epoch = await this.administrators.revoke(tx, user.id, BY_COMMAND_LINE);
      if (epoch === undefined)
        throw new UsageError('the account of this address does not administer this installation');
      return user.id;
    });
  }
}

@Module({
  imports: ADMIN_MODULES,
  providers: [AdministratorRevocation],
})
class RevocationModule {}

/** @throws UsageError where the address is none, or is not an administrator's */
export async function revokeAdministrator({ email, settings, output }: RevocationRequest): Promise<ExitCode> {
  const address = normalizeEmail(email);
  if (!address) throw new UsageError('--email is no e-mail address');
  return inContainer({ module: RevocationModule, settings, output }, async (container) => {
    const id = await container.get(AdministratorRevocation, { strict: false }).perform(address);
    output.out(`${address.email} does not administer this installation any more (user ${id}).`);
    return EXIT.ok;
  });
}
