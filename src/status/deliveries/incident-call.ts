import { Injectable } from '@nestjs/common';
import { PermanentFailure } from '../../queue/index.js';
import { SealedTargets } from '../sealed-targets.js';
import { WebhookFailure } from '../webhooks/webhook-failure.js';
import { WebhookSender } from '../webhooks/webhook-sender.js';
import { type DeliveryOrder, UnknownKeyError } from './delivery-order.js';
import { WebhookRecord } from './webhook-record.js';

/** Tells an incident to a webhook. At least once: a repetition has the same `X-Bulkhead-Delivery`. */
@Injectable()
export class IncidentCall {
  constructor(
    private readonly targets: SealedTargets,
    private readonly sender: WebhookSender,
    private readonly record: WebhookRecord,
  ) {}

  get longestMs(): number {
    return this.sender.longestMs;
  }

  /** @throws WebhookFailure, PermanentFailure */
  async make({ delivery, subscription, incident }: DeliveryOrder, signal: AbortSignal): Promise<void> {
    const secret = this.targets.open(subscription.secret ?? '');
    const url = this.targets.open(subscription.target);
    if (secret === undefined || url === undefined) throw new UnknownKeyError();
    const { id, severity, title, body, createdAt } = incident;
    const text = JSON.stringify({
      type: 'incident',
      incident: { id, severity, title, body, created_at: createdAt.toISOString() },
    });
    try {
      await this.sender.send({ url, secret, id: delivery.id, kind: 'incident', body: text }, signal);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (error.reason === 'gone') {
        await this.record.disable(subscription.id);
        throw new PermanentFailure('gone');
      }
      await this.record.failed(subscription.id, delivery.attempts);
      throw error;
    }
    if (subscription.failingSince) await this.record.worked(subscription.id);
  }
}
