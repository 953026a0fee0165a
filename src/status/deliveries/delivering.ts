import { Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { PermanentFailure } from '../../queue/index.js';
import { incidents, statusDeliveries, statusSubscriptions } from '../status.tables.js';
import { ChallengeCall } from './challenge-call.js';
import { IncidentCall } from './incident-call.js';
import { IncidentMail } from './incident-mail.js';

type Delivery = typeof statusDeliveries.$inferSelect;

/** What one delivery asks for: a challenge, a mail or a call. */
@Injectable()
export class Delivering {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly challenge: ChallengeCall,
    private readonly call: IncidentCall,
    private readonly mail: IncidentMail,
  ) {}

  /** The call of a webhook, milliseconds; SQL comes on top. */
  get longestMs(): number {
    return this.call.longestMs;
  }

  /** @throws PermanentFailure, WebhookFailure, DatabaseUnavailableError */
  async perform(delivery: Delivery, signal: AbortSignal): Promise<void> {
    if (delivery.incidentId === null) return this.challenge.make(delivery, signal);
    const { subscription, incident } = await this.read(delivery);
    if (subscription.unsubscribedAt) throw new PermanentFailure('unsubscribed');
    if (subscription.disabledAt) throw new PermanentFailure('disabled');
    const order = { delivery, subscription, incident };
    await (subscription.channel === 'email' ? this.mail.leave(order) : this.call.make(order, signal));
  }

  private async read({ id }: Delivery) {
    const rows = await this.db.run((sql) =>
      sql
        .select({ subscription: statusSubscriptions, incident: incidents })
        .from(statusDeliveries)
        .innerJoin(statusSubscriptions, eq(statusSubscriptions.id, statusDeliveries.subscriptionId))
        .innerJoin(incidents, eq(incidents.id, statusDeliveries.incidentId))
        .where(eq(statusDeliveries.id, id)),
    );
    const [row] = rows;
    if (!row) throw new PermanentFailure('deleted');
    return row;
  }
}
