import { sql } from 'drizzle-orm';
import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Whose customer somebody at Stripe is. Written once by what Stripe says, and changed by operators only. */
export const billingCustomers = pgTable(
  'billing_customers',
  {
    /** Of Stripe, `cus_…`. */
    customerId: text('customer_id').primaryKey(),
    tenantId: uuid('tenant_id').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' })
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('billing_customers_tenant').on(table.tenantId)],
);
