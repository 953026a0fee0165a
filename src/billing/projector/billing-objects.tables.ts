import { sql } from 'drizzle-orm';
import { bigint, boolean, index, json, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const OBJECT_KINDS = ['subscription', 'invoice'] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/**
 * What is known of each billing object: what the last event about it said. No reference to `tenants`: events outlive the
 * tenant that they are about, and none may be refused for it.
 */
export const billingObjects = pgTable(
  'billing_objects',
  {
    /** Of Stripe, `sub_…` or `in_…`. */
    objectId: text('object_id').primaryKey(),
    tenantId: uuid('tenant_id').notNull(),
    kind: text({ enum: OBJECT_KINDS }).notNull(),
    /** `json`, not `jsonb`: that one refuses texts with a NUL, which a customer may write into a name. */
    state: json().$type<Record<string, unknown>>().notNull(),
    /** What an invoice bills of use. */
    usage: json().$type<readonly unknown[]>().notNull(),
    /** Stripe deleted it. Kept, so that an older event that comes late does not bring it back. */
    deleted: boolean().notNull(),
    /** Place of the event among all of the object: only a later one overwrites. */
    position: text().notNull(),
    /** Entry of the log that said so. */
    entryId: text('entry_id').notNull(),
    eventId: text('event_id').notNull(),
    /** Seconds since the epoch, by Stripe. */
    createdS: bigint('created_s', { mode: 'number' }).notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'date' })
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('billing_objects_tenant').on(table.tenantId, table.kind, table.createdS)],
);
