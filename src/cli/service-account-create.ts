import { Injectable, Module } from '@nestjs/common';
import { assertForPrograms } from '../auth/service-accounts/service-scopes.js';
import { VaultSettings } from '../auth/service-accounts/vault.config.js';
import { type Settings, readBounded } from '../config/index.js';
import { FeatureDatabase, InjectDatabase } from '../database/index.js';
import {
  type NewServiceAccount,
  SecurityEvents,
  type ServiceAccount,
  ServiceAccounts,
} from '../identity/index.js';
import { EXIT } from '../kernel/errors.js';
import { ADMIN_DATABASE, ADMIN_MODULES, BY_COMMAND_LINE } from './admin-modules.js';
import { type ExitCode, UsageError } from './cli-context.js';
import { inContainer } from './in-container.js';
import type { Output } from './output.js';

const MOST_KEY_BYTES = 16 * 1024;

/** Opens service accounts, each in one transaction with its security event: both are there, or neither. */
@Injectable()
class ServiceAccountMaker {
  constructor(
    @InjectDatabase(ADMIN_DATABASE) private readonly db: FeatureDatabase,
    private readonly accounts: ServiceAccounts,
    private readonly events: SecurityEvents,
  ) {}

  /** @throws InvalidIdentityValueError, TenantNotFoundError, NameTakenError, DatabaseUnavailableError */
  add(account: NewServiceAccount): Promise<ServiceAccount> {
    return this.db.transaction(async (tx) => {
      const made = await this.accounts.create(account, tx);
      const facts = { account: made.id, tenant: made.tenantId, actor: BY_COMMAND_LINE };
      await this.events.record('service-account-created', undefined, facts, tx);
      return made;
    });
  }
}

@Module({
  imports: ADMIN_MODULES,
  providers: [ServiceAccountMaker],
})
class ServiceAccountModule {}

/** @throws UsageError where the file cannot be read; whether it is a key is judged with the account */
export function publicKeyIn(path: string): string {
  try {
    return readBounded(path, MOST_KEY_BYTES).toString('utf8');
  } catch {
    throw new UsageError('--public-key-file must be a readable file with an Ed25519 public key (SPKI PEM)');
  }
}

/** @throws UsageError where the database would end with the command */
export async function createServiceAccount(
  account: NewServiceAccount,
  settings: Settings,
  output: Output,
): Promise<ExitCode> {
  return inContainer({ module: ServiceAccountModule, settings, output }, async (container) => {
    assertForPrograms(account.scopes);
    const { id, name } = await container.get(ServiceAccountMaker, { strict: false }).add(account);
    output.out(`${name} may ask for tokens (service account ${id}).`);
    if (account.publicKey === undefined && settings.of(VaultSettings).address === undefined)
      output.err(
        'Warning: it has no public key, and VAULT_ADDR is not set here: unless the application has a Vault, every request ' +
          'of it is refused. Give it a key: PUT /v1/service-accounts/' +
          `${id}/public-key, or set VAULT_ADDR, VAULT_TOKEN_FILE and VAULT_TRANSIT_KEY.`,
      );
    return EXIT.ok;
  });
}
