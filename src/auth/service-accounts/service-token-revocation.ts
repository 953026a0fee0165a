import { Injectable } from '@nestjs/common';
import { ServiceAccountTokens } from '../../identity/index.js';
import { RecordedActs } from '../recorded-acts.js';
import { TokenRecordCache } from './token-record-cache.js';

/** Takes one token of a service account back. SQL first, then the mark that other instances see. */
@Injectable()
export class ServiceTokenRevocation {
  constructor(
    private readonly tokens: ServiceAccountTokens,
    private readonly cache: TokenRecordCache,
    private readonly acts: RecordedActs,
  ) {}

  /**
   * @returns id of the account; undefined where there is no such token
   * @throws RedisUnavailableError (it is revoked; it ends seconds later)
   */
  async perform(id: string, actor: string): Promise<string | undefined> {
    const token = await this.tokens.find(id);
    if (!token) return undefined;
    const { accountId: account, jti } = token;
    await this.acts.perform({ kind: 'service-account-token-revoked', facts: { account, jti, actor } }, (tx) =>
      this.tokens.revoke(account, jti, tx),
    );
    await this.cache.end(account, jti);
    return account;
  }
}
