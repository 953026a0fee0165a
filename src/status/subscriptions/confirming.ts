import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { OneTimeTokens, TokenInvalidError } from '../../security-tokens/index.js';
import { bindingOf, termsOf } from './consent.js';
import { SubscriptionStore } from './subscription-store.js';

/** Consent of the owner of a target: by the link of a mail, or by the challenge that a webhook was sent. */
@Injectable()
export class Confirming {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly store: SubscriptionStore,
    private readonly tokens: OneTimeTokens,
  ) {}

  /**
   * @returns id of the subscription, which has begun
   * @throws TokenInvalidError, TokenInUseError, RedisUnavailableError, DatabaseUnavailableError
   */
  confirm(kind: 'statusConfirm' | 'webhookChallenge', token: string): Promise<string> {
    return this.tokens.use(kind, token, async (claim) => {
      const terms = termsOf(claim.data);
      await this.db.transaction(async (tx) => {
        const row = await this.store.locked(tx, claim.subject);
        if (!row || !terms || !claim.matchesBinding(bindingOf(row))) throw new TokenInvalidError();
        await this.store.begin(tx, row, terms);
      });
      return claim.subject;
    });
  }
}
