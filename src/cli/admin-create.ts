import { Module } from '@nestjs/common';
import type { Settings } from '../config/index.js';
import { normalizeEmail } from '../identity/index.js';
import { EXIT } from '../kernel/errors.js';
import { ADMIN_MODULES } from './admin-modules.js';
import { AdministratorMaker } from './administrator-maker.js';
import { type ExitCode, UsageError } from './cli-context.js';
import { inContainer } from './in-container.js';
import type { Output } from './output.js';
import type { PasswordInput } from './password-input.js';

export interface AdministratorRequest {
  readonly email: string;
  /** An account that is there already gets the rights, and no other. */
  readonly existing: boolean;
  readonly settings: Settings;
  readonly output: Output;
  readonly input: PasswordInput;
}

@Module({
  imports: ADMIN_MODULES,
  providers: [AdministratorMaker],
})
class AdministratorModule {}

/** @throws UsageError where the address is none, or the account is not what the call says */
export async function createAdministrator(request: AdministratorRequest): Promise<ExitCode> {
  const { email, existing, output, input, settings } = request;
  const address = normalizeEmail(email);
  if (!address) throw new UsageError('--email is no e-mail address');
  return inContainer({ module: AdministratorModule, settings, output }, async (container) => {
    const maker = container.get(AdministratorMaker, { strict: false });
    const id = await (existing ? maker.promote(address) : maker.open(address, input));
    output.out(`${address.email} administers this installation (user ${id}).`);
    return EXIT.ok;
  });
}
