import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** What is done once a day by one of all instances, and from when on it is due again. */
export const chores = pgTable('chores', {
  name: text().primaryKey(),
  dueAt: timestamp('due_at', { withTimezone: true, mode: 'date' }).notNull(),
});
