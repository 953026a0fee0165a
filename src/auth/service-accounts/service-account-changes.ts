import { Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/errors.js';
import { SecurityEvents, ServiceAccounts } from '../../identity/index.js';
import { NonceStore } from '../../security-tokens/index.js';
import { nonceKeyOf } from './nonce-key.js';
import { TokenRecordCache } from './token-record-cache.js';

/** What administrators change about an account that is there. SQL first, then the mark that other instances see. */
@Injectable()
export class ServiceAccountChanges {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly nonces: NonceStore,
    private readonly cache: TokenRecordCache,
    private readonly securityEvents: SecurityEvents,
  ) {}

  /** Its requests are accepted again; tokens that ended stay ended. @throws ServiceAccountNotFoundError (404) */
  async enable(accountId: string, actorId: string): Promise<void> {
    await this.accounts.enable(accountId);
    await this.securityEvents.record('service-account-enabled', undefined, {
      account: accountId.toLowerCase(),
      actor: actorId,
    });
  }

  /**
   * From now on requests are verified by this key, and by no other one, Vault included. Ends every token of the account:
   * a key is replaced because somebody else may have it.
   *
   * @param publicKey Ed25519, SPKI PEM
   * @throws InvalidIdentityValueError (422), ServiceAccountNotFoundError (404), RedisUnavailableError (it is replaced; old
   * tokens end seconds later)
   */
  async replaceKey(accountId: string, publicKey: string, actorId: string): Promise<void> {
    const id = accountId.toLowerCase();
    const epoch = await this.accounts.replaceKey(accountId, publicKey);
    await this.securityEvents.record('service-account-key-replaced', undefined, {
      account: id,
      actor: actorId,
    });
    await this.cache.endBefore(id, epoch);
    try {
      await this.nonces.prepare(nonceKeyOf({ id, publicKey }));
    } catch (error) {
      // As for a new account: its first request is refused with when to sign anew.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
