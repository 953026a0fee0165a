import { Injectable } from '@nestjs/common';
import { type NewServiceAccount, type ServiceAccount, ServiceAccounts } from '../../identity/index.js';
import { RecordedActs } from '../recorded-acts.js';
import { assertForPrograms } from './service-scopes.js';
import { SignerNonces } from './signer-nonces.js';

/** Registers programs. */
@Injectable()
export class ServiceAccountRegister {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly nonces: SignerNonces,
    private readonly acts: RecordedActs,
  ) {}

  /** @throws InvalidIdentityValueError (422), TenantNotFoundError (404), NameTakenError (409), DatabaseUnavailableError */
  async add(account: NewServiceAccount, actor: string): Promise<ServiceAccount> {
    assertForPrograms(account.scopes);
    const made = await this.acts.perform<ServiceAccount>(
      ({ id, tenantId }) => ({
        kind: 'service-account-created',
        facts: { account: id, tenant: tenantId, actor },
      }),
      (tx) => this.accounts.create(account, tx),
    );
    await this.nonces.remember(made);
    return made;
  }
}
