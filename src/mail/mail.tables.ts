import { sql } from 'drizzle-orm';
import { index, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/**
 * Messages that a transaction decided to send. They leave after it, by whichever process takes them first, so that an
 * answer never depends on the mail server.
 */
export const mailOutbox = pgTable(
  'mail_outbox',
  {
    id: uuid().primaryKey(),
    template: text().notNull(),
    /** Recipient and values, sealed: no address and no token lies in the table as text. Emptied once it is settled. */
    sealed: text().notNull(),
    attempts: integer().notNull().default(0),
    dueAt: moment('due_at')
      .notNull()
      .default(sql`now()`),
    lastReason: text('last_reason'),
    sentAt: moment('sent_at'),
    failedAt: moment('failed_at'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('mail_outbox_due')
      .on(table.dueAt)
      .where(sql`${table.sentAt} is null and ${table.failedAt} is null`),
  ],
);
