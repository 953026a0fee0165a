import { Injectable } from '@nestjs/common';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { MailOutbox } from '../../mail/index.js';
import { SealedTargets } from '../sealed-targets.js';
import { INCIDENT } from '../status.mails.js';
import { statusDeliveries } from '../status.tables.js';
import { UnsubscribeLinks } from '../subscriptions/unsubscribe-links.js';
import { type DeliveryOrder, UnknownKeyError } from './delivery-order.js';

/** Leaves the mail about an incident in the outbox, once: whether it lies there is noted in the same transaction. */
@Injectable()
export class IncidentMail {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly mails: MailOutbox,
    private readonly targets: SealedTargets,
    private readonly links: UnsubscribeLinks,
  ) {}

  /** @throws UnknownKeyError, DatabaseUnavailableError */
  async leave({ delivery, subscription, incident }: DeliveryOrder): Promise<void> {
    const to = this.targets.open(subscription.target);
    if (to === undefined) throw new UnknownKeyError();
    const { severity, title, body } = incident;
    const { token, oneClickUrl } = this.links.linkOf(subscription);
    const headers = {
      'List-Unsubscribe': `<${oneClickUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    };
    const values = { severity, title, body, token };
    await this.db.transaction(async (tx) => {
      const ours = await tx
        .update(statusDeliveries)
        .set({ queuedAt: sql`now()` })
        .where(and(eq(statusDeliveries.id, delivery.id), isNull(statusDeliveries.queuedAt)))
        .returning({ id: statusDeliveries.id });
      if (ours.length > 0) await this.mails.add(tx, { template: INCIDENT, to, values, headers });
    });
  }
}
