import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** What billing remembers of its Redis, and must still know when that is lost. */
export const billingMarks = pgTable('billing_marks', {
  name: text().primaryKey(),
  value: text().notNull(),
  seenAt: timestamp('seen_at', { withTimezone: true, mode: 'date' }).notNull(),
});
