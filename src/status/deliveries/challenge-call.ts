import { Injectable } from '@nestjs/common';
import { PermanentFailure } from '../../queue/index.js';
import { PublicUrlSettings } from '../../config/index.js';
import { SealedTargets } from '../sealed-targets.js';
import type { statusDeliveries } from '../status.tables.js';
import { WebhookFailure } from '../webhooks/webhook-failure.js';
import { WebhookSender } from '../webhooks/webhook-sender.js';
import { UnknownKeyError } from './delivery-order.js';

export const CHALLENGE_PATH = '/v1/status/subscriptions/challenge';

/** Whoever named the URL need not be its owner, who is then not to be called for long. */
const MOST_TRIES = 6;

/** Asks a webhook whether it wants alerts: whoever can read what is sent there sends the token back. */
@Injectable()
export class ChallengeCall {
  constructor(
    private readonly targets: SealedTargets,
    private readonly sender: WebhookSender,
    private readonly place: PublicUrlSettings,
  ) {}

  /** @throws WebhookFailure, PermanentFailure */
  async make(
    { id, sealed, attempts }: typeof statusDeliveries.$inferSelect,
    signal: AbortSignal,
  ): Promise<void> {
    const text = this.targets.open(sealed ?? '');
    if (text === undefined) throw new UnknownKeyError();
    const { url, secret, token } = JSON.parse(text) as Record<'url' | 'secret' | 'token', string>;
    const confirmUrl = new URL(CHALLENGE_PATH, this.place.publicUrl).href;
    const body = JSON.stringify({ type: 'challenge', token, confirm_url: confirmUrl });
    try {
      await this.sender.send({ url, secret, id, kind: 'challenge', body }, signal);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      // Gone: whoever answers there says that nobody is to ask again.
      if (error.reason === 'gone' || attempts >= MOST_TRIES) throw new PermanentFailure(error.reason);
      throw error;
    }
  }
}
