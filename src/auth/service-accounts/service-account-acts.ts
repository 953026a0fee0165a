import { Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/errors.js';
import {
  type NewServiceAccount,
  SecurityEvents,
  type ServiceAccount,
  ServiceAccountTokens,
  ServiceAccounts,
} from '../../identity/index.js';
import { NonceStore } from '../../security-tokens/index.js';
import { nonceKeyOf } from './nonce-key.js';
import { assertForPrograms } from './service-scopes.js';
import { TokenRecordCache } from './token-record-cache.js';

/** Registers keys of programs, and takes them out of use. */
@Injectable()
export class ServiceAccountRegister {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly nonces: NonceStore,
  ) {}

  /** @throws InvalidIdentityValueError (422), TenantNotFoundError (404), NameTakenError (409), DatabaseUnavailableError */
  async add(account: NewServiceAccount): Promise<ServiceAccount> {
    assertForPrograms(account.scopes);
    const made = await this.accounts.create(account);
    try {
      await this.nonces.prepare(nonceKeyOf(made));
    } catch (error) {
      // The account is there all the same; its first request is refused with when to sign anew, as after a loss.
      if (!(error instanceof AppError)) throw error;
    }
    return made;
  }
}

/** Ends what service accounts may do. SQL first, then the mark that other instances see. */
@Injectable()
export class ServiceAccountEnds {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly tokens: ServiceAccountTokens,
    private readonly cache: TokenRecordCache,
    private readonly securityEvents: SecurityEvents,
  ) {}

  /**
   * Ends every token of the account as well; no new one is issued.
   *
   * @throws ServiceAccountNotFoundError, RedisUnavailableError (it is disabled; its tokens end seconds later)
   */
  async disable(accountId: string, actorId: string): Promise<void> {
    const epoch = await this.accounts.disable(accountId);
    await this.cache.endBefore(accountId.toLowerCase(), epoch);
    await this.securityEvents.record('service-account-disabled', undefined, {
      account: accountId.toLowerCase(),
      actor: actorId,
    });
  }

  /**
   * @returns id of the account; undefined where there is no such token
   * @throws RedisUnavailableError (it is revoked; it ends seconds later)
   */
  async revoke(jti: string, actorId: string): Promise<string | undefined> {
    const token = await this.tokens.find(jti);
    if (!token || !(await this.tokens.revoke(token.accountId, token.jti))) return undefined;
    await this.cache.end(token.accountId, token.jti);
    await this.securityEvents.record('service-account-token-revoked', undefined, {
      account: token.accountId,
      jti: token.jti,
      actor: actorId,
    });
    return token.accountId;
  }
}
