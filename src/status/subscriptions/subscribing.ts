import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { DeliveryWorker } from '../deliveries/delivery-worker.js';
import type { Severity } from '../status.tables.js';
import { newWebhookSecret } from '../webhooks/webhook-signature.js';
import { ConsentRequest } from './consent-request.js';
import { SubscriptionStore } from './subscription-store.js';
import type { Target } from './target.js';

export interface SubscriptionWish {
  readonly target: Target;
  readonly severity: Severity;
  /** Who may list and delete it later; undefined: nobody. */
  readonly tenantId: string | undefined;
}

/** Takes wishes for alerts. The same happens whether the target has a subscription or not. */
@Injectable()
export class Subscribing {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly store: SubscriptionStore,
    private readonly consent: ConsentRequest,
    private readonly worker: DeliveryWorker,
  ) {}

  /**
   * @returns id, for logs; and the key of the signatures of a webhook, which is nowhere shown again
   * @throws RedisUnavailableError, DatabaseUnavailableError; nothing is sent then
   */
  async ask(wish: SubscriptionWish): Promise<{ readonly id: string; readonly secret: string | undefined }> {
    const { target, severity, tenantId = null } = wish;
    const secret = target.channel === 'webhook' ? newWebhookSecret() : undefined;
    const terms = { target: target.text, severity, tenantId, secret: secret ?? null };
    const id = await this.db.transaction(async (tx) => {
      const row = await this.store.rowOf(tx, target);
      await this.consent.send(tx, row, terms);
      return row.id;
    });
    this.worker.nudge();
    return { id, secret };
  }
}
