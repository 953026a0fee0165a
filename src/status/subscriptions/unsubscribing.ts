import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { TokenInvalidError } from '../../security-tokens/index.js';
import { SubscriptionStore } from './subscription-store.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

/** Ends subscriptions by the links that stand in every alert. */
@Injectable()
export class Unsubscribing {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly store: SubscriptionStore,
    private readonly links: UnsubscribeLinks,
  ) {}

  /**
   * However often: a subscription that has ended or is gone has ended.
   *
   * @returns id of the subscription
   * @throws TokenInvalidError for what is no link of ours, or one from before the subscription began anew
   */
  async end(token: unknown): Promise<string> {
    const order = this.links.read(token);
    if (!order) throw new TokenInvalidError();
    const { id, epoch } = order;
    await this.db.transaction(async (tx) => {
      const row = await this.store.locked(tx, id);
      if (!row) return;
      if (row.linkEpoch !== epoch) throw new TokenInvalidError();
      if (!row.unsubscribedAt) await this.store.end(tx, id);
    });
    return id;
  }
}
