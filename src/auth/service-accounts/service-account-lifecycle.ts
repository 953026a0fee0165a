import { Injectable } from '@nestjs/common';
import { type SecurityEventKind, ServiceAccounts } from '../../identity/index.js';
import { type Act, RecordedActs } from '../recorded-acts.js';
import { SignerNonces } from './signer-nonces.js';
import { TokenRecordCache } from './token-record-cache.js';

/**
 * What becomes of an account that is there. SQL first, with the record of who did it; then the mark that other instances
 * see. Ids of accounts as we write them (`uuidOf`), since they stand in names of keys.
 */
@Injectable()
export class ServiceAccountLifecycle {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly nonces: SignerNonces,
    private readonly cache: TokenRecordCache,
    private readonly acts: RecordedActs,
  ) {}

  /**
   * Ends every token of the account as well; no new one is issued.
   *
   * @throws ServiceAccountNotFoundError (404), RedisUnavailableError (it is disabled; its tokens end seconds later)
   */
  async disable(account: string, actor: string): Promise<void> {
    const epoch = await this.acts.perform(actOn(account, actor, 'service-account-disabled'), (tx) =>
      this.accounts.disable(account, tx),
    );
    await this.cache.endBefore(account, epoch);
  }

  /** Its requests are accepted again; tokens that ended stay ended. @throws ServiceAccountNotFoundError (404) */
  async enable(account: string, actor: string): Promise<void> {
    await this.acts.perform(actOn(account, actor, 'service-account-enabled'), (tx) =>
      this.accounts.enable(account, tx),
    );
  }

  /**
   * From now on requests are verified by this key, and by no other one, Vault included. Ends every token of the account:
   * a key is replaced because somebody else may have it.
   *
   * @param publicKey Ed25519, SPKI PEM
   * @throws InvalidIdentityValueError (422), ServiceAccountNotFoundError (404), RedisUnavailableError (it is replaced; old
   * tokens end seconds later)
   */
  async replaceKey(account: string, publicKey: string, actor: string): Promise<void> {
    const epoch = await this.acts.perform(actOn(account, actor, 'service-account-key-replaced'), (tx) =>
      this.accounts.replaceKey(account, publicKey, tx),
    );
    await this.cache.endBefore(account, epoch);
    await this.nonces.remember({ id: account, publicKey });
  }
}

/** Only the work says whether there is such an account. */
function actOn(account: string, actor: string, kind: SecurityEventKind): () => Act {
  return () => ({ kind, facts: { account, actor } });
}
