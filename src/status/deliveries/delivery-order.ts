import type { incidents, statusDeliveries, statusSubscriptions } from '../status.tables.js';

/** An incident that is to be told to one subscription. */
export interface DeliveryOrder {
  readonly delivery: typeof statusDeliveries.$inferSelect;
  readonly subscription: typeof statusSubscriptions.$inferSelect;
  readonly incident: typeof incidents.$inferSelect;
}

/** Sealed under a key that is gone from STATUS_PII_KEYS; it may come back. */
export class UnknownKeyError extends Error {
  constructor() {
    super('A target was sealed under a key that is gone. Put it back into STATUS_PII_KEYS.');
    this.name = 'UnknownKeyError';
  }
}
