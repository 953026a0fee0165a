import { sql } from 'drizzle-orm';
import { index, integer, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const createdAt = () =>
  moment('created_at')
    .notNull()
    .default(sql`now()`);

export const CHANNELS = ['email', 'webhook'] as const;
export const SEVERITIES = ['all', 'major', 'maintenance'] as const;
export const INCIDENT_SEVERITIES = ['major', 'maintenance', 'minor'] as const;
export type Channel = (typeof CHANNELS)[number];
export type Severity = (typeof SEVERITIES)[number];
export type IncidentSeverity = (typeof INCIDENT_SEVERITIES)[number];

/**
 * One row per target. What was asked for (address, severity, tenant, secret) travels in the one-time token and is
 * written here when the owner of the target has confirmed it, so that nobody changes the subscription of another.
 */

export const statusSubscriptions = pgTable(
  'status_subscriptions',
  {
    id: uuid().primaryKey(),
    /** Who may list and delete it; undefined: nobody, it is ended by its unsubscribe link. */
    tenantId: uuid('tenant_id'),
    channel: text({ enum: CHANNELS }).notNull(),
    severity: text({ enum: SEVERITIES }).notNull(),
    /** Address or URL, sealed. Empty before it is confirmed and after it has ended. */
    target: text().notNull().default(''),
    /** Keyed digest of the target, so that the same one is found again. */
    targetDigest: text('target_digest').notNull(),
    /** Key of the signatures of a webhook, sealed. */
    secret: text(),
    confirmedAt: moment('confirmed_at'),
    unsubscribedAt: moment('unsubscribed_at'),
    /** Webhooks: since when nothing was delivered. */
    failingSince: moment('failing_since'),
    /** Webhooks: given up, until the target answers a challenge again. */
    disabledAt: moment('disabled_at'),
    /** Grows when a subscription that had ended begins anew; unsubscribe links carry it. */
    linkEpoch: integer('link_epoch').notNull().default(1),
    createdAt: createdAt(),
  },
  (table) => [
    uniqueIndex('status_subscriptions_target').on(table.channel, table.targetDigest),
    index('status_subscriptions_tenant').on(table.tenantId, table.id),
    index('status_subscriptions_pending')
      .on(table.createdAt)
      .where(sql`${table.confirmedAt} is null`),
  ],
);

export const incidents = pgTable('incidents', {
  id: uuid().primaryKey(),
  severity: text({ enum: INCIDENT_SEVERITIES }).notNull(),
  title: text().notNull(),
  body: text().notNull(),
  createdAt: createdAt(),
});

/**
 * One message to one subscription: of an incident, made with it, so that none is sent twice or forgotten; or the
 * challenge of a webhook.
 */
export const statusDeliveries = pgTable(
  'status_deliveries',
  {
    id: uuid().primaryKey(),
    /** Undefined: the challenge of a webhook. */
    incidentId: uuid('incident_id').references(() => incidents.id, { onDelete: 'cascade' }),
    subscriptionId: uuid('subscription_id')
      .notNull()
      .references(() => statusSubscriptions.id, { onDelete: 'cascade' }),
    /** Of the subscription: each has workers of its own, so that slow webhooks hold up no mail. */
    channel: text({ enum: CHANNELS }).notNull(),
    /** Of a challenge: URL, key and token, sealed. Forgotten once it is settled. */
    sealed: text(),
    /** E-mail: it lies in the outbox of mails, in the same transaction. */
    queuedAt: moment('queued_at'),
    attempts: integer().notNull().default(0),
    dueAt: moment('due_at')
      .notNull()
      .default(sql`now()`),
    lastReason: text('last_reason'),
    sentAt: moment('sent_at'),
    failedAt: moment('failed_at'),
    createdAt: createdAt(),
  },
  (table) => [
    uniqueIndex('status_deliveries_once').on(table.incidentId, table.subscriptionId),
    index('status_deliveries_due')
      .on(table.channel, table.dueAt)
      .where(sql`${table.sentAt} is null and ${table.failedAt} is null`),
  ],
);
