import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import { MailOutbox } from '../../mail/index.js';
import { OneTimeTokens } from '../../security-tokens/index.js';
import { SealedTargets } from '../sealed-targets.js';
import { CONFIRM_SUBSCRIPTION } from '../status.mails.js';
import { statusDeliveries } from '../status.tables.js';
import { bindingOf, dataOf } from './consent.js';
import type { Subscription, Terms } from './subscription-store.js';

/** Asks the owner of a target whether its subscription may have these terms. */
@Injectable()
export class ConsentRequest {
  constructor(
    private readonly tokens: OneTimeTokens,
    private readonly mails: MailOutbox,
    private readonly targets: SealedTargets,
  ) {}

  /**
   * Leaves a mail or a challenge in the transaction.
   *
   * @throws RedisUnavailableError; the transaction has to be given up then
   */
  async send(tx: Sql, row: Subscription, terms: Terms): Promise<void> {
    const kind = row.channel === 'email' ? 'statusConfirm' : 'webhookChallenge';
    const order = { subject: row.id, binding: bindingOf(row), data: dataOf(terms) };
    const { token } = await this.tokens.issue(kind, order);
    const { target, severity, secret } = terms;
    if (row.channel === 'email') {
      const values = { token, severity };
      return this.mails.add(tx, { template: CONFIRM_SUBSCRIPTION, to: target, values });
    }
    const sealed = this.targets.seal(JSON.stringify({ url: target, secret, token }));
    const challenge = { id: randomUUID(), subscriptionId: row.id, channel: row.channel, sealed };
    await tx.insert(statusDeliveries).values(challenge);
  }
}
