import { type SQL, eq } from 'drizzle-orm';
import { statusDeliveries } from '../status.tables.js';

/** What one worker takes of the table of deliveries. */
export interface DeliveryShare {
  /** Label of metrics and logs. */
  readonly name: string;
  readonly only: SQL;
  readonly atOnce: number;
}

/** One for each channel: webhooks that are slow hold up other webhooks at most. */
export const DELIVERY_SHARES: readonly DeliveryShare[] = [
  // They lie in the outbox of mails as soon as SQL has answered.
  { name: 'status-mail', only: eq(statusDeliveries.channel, 'email'), atOnce: 4 },
  // More, as most of the time is spent waiting for others.
  { name: 'status-webhook', only: eq(statusDeliveries.channel, 'webhook'), atOnce: 16 },
];
